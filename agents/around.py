"""What a language model around another one hands on as it is."""

from agents.llm.base import LLM, sees_images, with_tools


class AroundLLM:
    """Base of an LLM that stands in for another, ``_llm``."""

    @property
    def _llm(self) -> LLM:
        raise NotImplementedError

    @property
    def name(self) -> str:
        """As LLM.name."""
        return self._llm.name

    @property
    def temperature(self) -> float:
        """As LLM.temperature."""
        return self._llm.temperature

    @property
    def follows_instructions(self) -> bool:
        """As LLM.follows_instructions."""
        return self._llm.follows_instructions

    @property
    def sees_images(self) -> bool:
        """Whether pictures in its messages are of use."""
        return sees_images(self._llm)

    @property
    def calls_tools(self) -> bool:
        """As ToolLLM.calls_tools; False for models that know of no tools."""
        return with_tools(self._llm) is not None
