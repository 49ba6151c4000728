"""Videos named in clip ids."""

import pytest

from vllm_eval.score.sources import person_of, sources_of


@pytest.mark.parametrize(
    ("clip", "sources"),
    [
        (
            "/n/sample_000000_deadlifting_to_smoking_f8dp7wR4GWg_000003_000013_bg_MCV13GHst20_000002_000012",
            ("f8dp7wR4GWg", "MCV13GHst20"),
        ),
        (
            "sample_000054_skiing slalom_to_smoking__YZiOJn1mYg_000010_000020_bg_cS3_7_XY4RU_000005_000015",
            ("_YZiOJn1mYg", "cS3_7_XY4RU"),
        ),
        (
            "hat/archery/01xStFVYC7U_000011_000021+smoking/-BtzVCzSnLk_000073_000083",
            ("01xStFVYC7U", "-BtzVCzSnLk"),
        ),
        ("Mimetics2/playing guitar/G_3kwIzNN3g_000050_000057.mp4", ("G_3kwIzNN3g",)),
        ("a/01xStFVYC7U_000011_000021+a/01xStFVYC7U_000031_000041", ("01xStFVYC7U",)),
        ("v_Archery_g03_c02.avi", ("v_Archery_g03",)),
        ("my clip 7", ("my clip 7",)),
    ],
)
def test_sources_are_the_videos_named_person_first(clip: str, sources: tuple[str, ...]) -> None:
    assert sources_of(clip) == sources


def test_a_swap_and_its_original_have_the_same_person() -> None:
    swap = "hat/archery/01xStFVYC7U_000011_000021+smoking/-BtzVCzSnLk_000073_000083"
    assert person_of(swap) == person_of("/data/val/archery/01xStFVYC7U_000011_000021.mp4")
