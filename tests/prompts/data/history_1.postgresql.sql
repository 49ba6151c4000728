
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE public.answers (
    key character varying(64) NOT NULL,
    text text NOT NULL,
    label text,
    kind character varying(16) NOT NULL,
    logprobs json,
    prompt_tokens integer NOT NULL,
    cached_tokens integer NOT NULL,
    seconds double precision NOT NULL,
    error text,
    prompt_id character varying(64) NOT NULL,
    clip_id text NOT NULL,
    human text NOT NULL,
    background text,
    sources json NOT NULL,
    choices integer NOT NULL,
    dataset text NOT NULL,
    run_id character varying(64) NOT NULL,
    created character varying(32) NOT NULL
);

CREATE TABLE public.decisions (
    id integer NOT NULL,
    run_id character varying(64) NOT NULL,
    kind character varying(64) NOT NULL,
    detail json NOT NULL,
    created character varying(32) NOT NULL
);

CREATE SEQUENCE public.decisions_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.decisions_id_seq OWNED BY public.decisions.id;

CREATE TABLE public.prompts (
    id character varying(16) NOT NULL,
    text text NOT NULL,
    parents json NOT NULL,
    origin character varying(64) NOT NULL,
    hypothesis text NOT NULL,
    choice_style character varying(16) NOT NULL,
    created character varying(32) NOT NULL
);

CREATE TABLE public.proposals (
    run_id character varying(64) NOT NULL,
    round integer NOT NULL,
    "position" integer NOT NULL,
    prompt_id character varying(16) NOT NULL,
    text text NOT NULL,
    parents json NOT NULL,
    origin character varying(64) NOT NULL,
    hypothesis text NOT NULL,
    verdict character varying(16) NOT NULL,
    reason text NOT NULL,
    raw text NOT NULL,
    created character varying(32) NOT NULL
);

CREATE TABLE public.run_prompts (
    run_id character varying(64) NOT NULL,
    prompt_id character varying(16) NOT NULL,
    "position" integer NOT NULL
);

CREATE TABLE public.runs (
    id character varying(64) NOT NULL,
    started character varying(32) NOT NULL,
    finished character varying(32),
    status character varying(16) NOT NULL,
    config json NOT NULL,
    config_hash character varying(64) NOT NULL,
    seed integer NOT NULL,
    code_version character varying(64) NOT NULL,
    environment json NOT NULL,
    summary json
);

CREATE TABLE public.schema_version (
    version integer NOT NULL
);

CREATE SEQUENCE public.schema_version_version_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.schema_version_version_seq OWNED BY public.schema_version.version;

CREATE TABLE public.uses (
    run_id character varying(64) NOT NULL,
    dataset text NOT NULL,
    prompt_id character varying(64) NOT NULL,
    format_key character varying(255) NOT NULL,
    clip_id text NOT NULL,
    answer_key character varying(64) NOT NULL
);

CREATE VIEW public.scores AS
 SELECT u.run_id,
    u.dataset,
    u.format_key,
    u.prompt_id,
    p.text AS prompt,
    avg(
        CASE
            WHEN ((a.kind)::text = 'human'::text) THEN 1.0
            ELSE 0.0
        END) AS shacc,
    avg(
        CASE
            WHEN ((a.kind)::text = 'background'::text) THEN 1.0
            ELSE 0.0
        END) AS sberr,
    count(*) AS n
   FROM ((public.uses u
     JOIN public.answers a ON (((a.key)::text = (u.answer_key)::text)))
     LEFT JOIN public.prompts p ON (((p.id)::text = (u.prompt_id)::text)))
  WHERE ((a.kind)::text <> 'error'::text)
  GROUP BY u.run_id, u.dataset, u.format_key, u.prompt_id, p.text;

CREATE TABLE public.spend (
    id integer NOT NULL,
    run_id character varying(64) NOT NULL,
    kind character varying(64) NOT NULL,
    amount double precision NOT NULL,
    created character varying(32) NOT NULL
);

CREATE SEQUENCE public.spend_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.spend_id_seq OWNED BY public.spend.id;

ALTER TABLE ONLY public.decisions ALTER COLUMN id SET DEFAULT nextval('public.decisions_id_seq'::regclass);

ALTER TABLE ONLY public.schema_version ALTER COLUMN version SET DEFAULT nextval('public.schema_version_version_seq'::regclass);

ALTER TABLE ONLY public.spend ALTER COLUMN id SET DEFAULT nextval('public.spend_id_seq'::regclass);

INSERT INTO public.answers VALUES ('0bfc44361ddde1cc83c389cfd63564c2eaa37333337b9d5e189891debb316b60', 'A', 'dancing', 'human', '[-0.1, -2.0]', 40, 30, 0.01, NULL, 'b7756f757913923d', 'c0', 'dancing', 'surfing', '["c0 human", "c0 background"]', 5, 'swaps/tune', '20261125-065226-282723', '2026-11-25T06:52:26.358520Z');
INSERT INTO public.answers VALUES ('9102a74e79f21addcb8fac4a2770e3dcc22fd172bc802edf64af0092d7d89ad9', 'A', 'surfing', 'background', '[-0.1, -2.0]', 40, 30, 0.01, NULL, 'b7756f757913923d', 'c1', 'dancing', 'surfing', '["c1 human", "c1 background"]', 5, 'swaps/tune', '20261125-065226-282723', '2026-11-25T06:52:26.358520Z');
INSERT INTO public.answers VALUES ('0721eaef20eb22923d399e413d942de529659aac7028af0be4e79ca233ae5747', 'A', 'surfing', 'background', '[-0.1, -2.0]', 40, 30, 0.01, NULL, 'b7756f757913923d', 'c2', 'dancing', 'surfing', '["c2 human", "c2 background"]', 5, 'swaps/tune', '20261125-065226-282723', '2026-11-25T06:52:26.358520Z');
INSERT INTO public.answers VALUES ('e6e62762a2bfe9d72bb175abe968ee82db1a34c301eac26ed5968d4eab3f373a', 'A', 'reading', 'other', '[-0.1, -2.0]', 40, 30, 0.01, NULL, 'b7756f757913923d', 'c3', 'dancing', 'surfing', '["c3 human", "c3 background"]', 5, 'swaps/tune', '20261125-065226-282723', '2026-11-25T06:52:26.358520Z');
INSERT INTO public.answers VALUES ('f997874455aa8bb4481f359ef1e3f75014e278262dc2117adee53d88bedb346e', 'A', NULL, 'error', '[-0.1, -2.0]', 40, 30, 0.01, 'cut off', 'b7756f757913923d', 'c4', 'dancing', 'surfing', '["c4 human", "c4 background"]', 5, 'swaps/tune', '20261125-065226-282723', '2026-11-25T06:52:26.358520Z');
INSERT INTO public.answers VALUES ('9d5ad5b398eaa2fa1d9585577899f2ede07ad8322f3ff16e92158f4cd14e457e', 'A', 'dancing', 'human', '[-0.1, -2.0]', 40, 30, 0.01, NULL, 'e0845d4ff227d9fc', 'c0', 'dancing', 'surfing', '["c0 human", "c0 background"]', 5, 'swaps/tune', '20261125-065226-282723', '2026-11-25T06:52:26.367038Z');
INSERT INTO public.answers VALUES ('fb944eaadea3303b5148909987c9e8b551fbf80a8e3d2b9070195ab416c63cad', 'A', 'dancing', 'human', '[-0.1, -2.0]', 40, 30, 0.01, NULL, 'e0845d4ff227d9fc', 'c1', 'dancing', 'surfing', '["c1 human", "c1 background"]', 5, 'swaps/tune', '20261125-065226-282723', '2026-11-25T06:52:26.367038Z');
INSERT INTO public.answers VALUES ('9d5b4949f978e5f20c43368ec4e02e601904521775c0ad75f697aef518a3ec3a', 'A', NULL, 'unparsed', '[-0.1, -2.0]', 40, 30, 0.01, NULL, 'e0845d4ff227d9fc', 'c2', 'dancing', 'surfing', '["c2 human", "c2 background"]', 5, 'swaps/tune', '20261125-065226-282723', '2026-11-25T06:52:26.367038Z');
INSERT INTO public.answers VALUES ('e9774f4755b79e1c8cfffc1ba5023e08950b46f9b0a1e547506203d1d617a82b', 'A', NULL, 'refused', '[-0.1, -2.0]', 40, 30, 0.01, NULL, 'e0845d4ff227d9fc', 'c3', 'dancing', 'surfing', '["c3 human", "c3 background"]', 5, 'swaps/tune', '20261125-065226-282723', '2026-11-25T06:52:26.367038Z');
INSERT INTO public.answers VALUES ('247915ceecc0febc1ac4a7a0ba43e2d45034411f4fbc8f6b8bd3c61c13c6354b', 'A', 'surfing', 'background', '[-0.1, -2.0]', 40, 30, 0.01, NULL, 'e0845d4ff227d9fc', 'c4', 'dancing', 'surfing', '["c4 human", "c4 background"]', 5, 'swaps/tune', '20261125-065226-282723', '2026-11-25T06:52:26.367038Z');
INSERT INTO public.answers VALUES ('3a06f85896eab7a7e25739011c1d0327a640176ddd72882957a76692ec876461', 'A', 'dancing', 'human', '[-0.1, -2.0]', 40, 30, 0.01, NULL, 'e0845d4ff227d9fc', 't0', 'dancing', 'surfing', '["t0 human", "t0 background"]', 5, 'swaps/test', '20261125-065226-282723', '2026-11-25T06:52:26.370922Z');
INSERT INTO public.answers VALUES ('cd2f89bbe495d9e5959c892ff40f077225e0583bbb040acb883a3e957396c299', 'A', 'surfing', 'background', '[-0.1, -2.0]', 40, 30, 0.01, NULL, 'e0845d4ff227d9fc', 't1', 'dancing', 'surfing', '["t1 human", "t1 background"]', 5, 'swaps/test', '20261125-065226-282723', '2026-11-25T06:52:26.370922Z');
INSERT INTO public.answers VALUES ('cedd60faf0081dccb223a2e2d2e9eed30318fb1c0cad1d3b664fde9095aabfa1', 'A', 'surfing', 'background', '[-0.1, -2.0]', 40, 30, 0.01, NULL, '13ae2cdbdb2a03bd', 'c0', 'dancing', 'surfing', '["c0 human", "c0 background"]', 5, 'swaps/tune', '20261125-065226-311887', '2026-11-25T06:52:26.378159Z');
INSERT INTO public.answers VALUES ('1d0e9468b0537a8dd1a17443fa73eb76088d1dc5c8029935fbe29770494b1a0a', 'A', 'dancing', 'human', '[-0.1, -2.0]', 40, 30, 0.01, NULL, '13ae2cdbdb2a03bd', 'c1', 'dancing', 'surfing', '["c1 human", "c1 background"]', 5, 'swaps/tune', '20261125-065226-311887', '2026-11-25T06:52:26.378159Z');
INSERT INTO public.answers VALUES ('short key', 'naïve ''B''', 'dancing', 'human', '[-1e+30, -0.1234567890123456]', 40, 30, 0.01, NULL, '13ae2cdbdb2a03bd', 'c7', 'dancing', 'surfing', '["c7 human", "c7 background"]', 5, 'swaps/tune', '20261125-065226-311887', '2026-11-25T06:52:26.379480Z');
INSERT INTO public.answers VALUES ('no logprobs', 'A', 'dancing', 'human', 'null', 40, 30, 0.01, NULL, '13ae2cdbdb2a03bd', 'c8', 'dancing', NULL, '[]', 0, 'swaps/tune', '20261125-065226-311887', '2026-11-25T06:52:26.379480Z');

INSERT INTO public.decisions VALUES (1, '20261125-065226-282723', 'winner', '{"id": "e0845d4ff227d9fc", "score": 0.5}', '2026-11-25T06:52:26.382456Z');
INSERT INTO public.decisions VALUES (2, '20261125-065226-282723', 'stop', '{"reason": "budget"}', '2026-11-25T06:52:26.386655Z');

INSERT INTO public.prompts VALUES ('b7756f757913923d', 'What is the action being performed?', '[]', 'hand', '', 'plain', '2026-11-25T06:52:26.340976Z');
INSERT INTO public.prompts VALUES ('31dcb8b409fb0c6d', 'What is the action being performed?', '[]', 'hand', '', 'prefixed', '2026-11-25T06:52:26.343525Z');
INSERT INTO public.prompts VALUES ('e0845d4ff227d9fc', 'Who moves how?', '["0000000000000000"]', 'opro', 'h', 'plain', '2026-11-25T06:52:26.350068Z');
INSERT INTO public.prompts VALUES ('13ae2cdbdb2a03bd', 'What is done?', '[]', 'hand', '', 'plain', '2026-11-25T06:52:26.352025Z');

INSERT INTO public.proposals VALUES ('20261125-065226-282723', 0, 0, 'e0845d4ff227d9fc', 'Who moves how?', '["0000000000000000"]', 'opro', 'h', 'accepted', '', '{"prompts": ["Who moves how?"]}', '2026-11-25T06:52:26.350513Z');
INSERT INTO public.proposals VALUES ('20261125-065226-282723', 0, 1, '8696578bd5a0e709', 'it''s "quoted"; 动作 🏃
line', '[]', 'hand', '', 'refused', '2 words, at least 3 expected', 'reply', '2026-11-25T06:52:26.351714Z');
INSERT INTO public.proposals VALUES ('20261125-065226-311887', 0, 0, '13ae2cdbdb2a03bd', 'What is done?', '[]', 'hand', '', 'accepted', '', '', '2026-11-25T06:52:26.355003Z');

INSERT INTO public.run_prompts VALUES ('20261125-065226-282723', 'b7756f757913923d', 0);
INSERT INTO public.run_prompts VALUES ('20261125-065226-282723', '31dcb8b409fb0c6d', 1);
INSERT INTO public.run_prompts VALUES ('20261125-065226-311887', 'b7756f757913923d', 0);
INSERT INTO public.run_prompts VALUES ('20261125-065226-311887', '31dcb8b409fb0c6d', 1);
INSERT INTO public.run_prompts VALUES ('20261125-065226-282723', 'e0845d4ff227d9fc', 2);
INSERT INTO public.run_prompts VALUES ('20261125-065226-311887', '13ae2cdbdb2a03bd', 2);

INSERT INTO public.runs VALUES ('20261125-065226-282723', '2026-11-25T06:52:26.282723Z', '2026-11-25T06:52:26.392284Z', 'finished', '{"budget": {"prompts": 3}, "name": "first"}', '2394b605b44ad65b1c3d2add05196f0f1037e944d8c4dde03b3a7f0bff420317', 7, '00c283f89fb0', '{"python": "3.11.7", "platform": "Linux-x86_64", "torch": "2.13.0+cpu", "transformers": "5.24.0", "xllamacpp": "2026.10.11549", "numpy": "2.4.6", "av": "18.1.0"}', '{"winner": "e0845d4ff227d9fc"}');
INSERT INTO public.runs VALUES ('20261125-065226-311887', '2026-11-25T06:52:26.311887Z', NULL, 'running', '{"budget": {"prompts": 1}, "name": "second"}', 'bdd95180645ea1f258555064590699ab660dada2248c13c21c9607fd933f1343', 8, '00c283f89fb0', '{"python": "3.11.7", "platform": "Linux-x86_64", "torch": "2.13.0+cpu", "transformers": "5.24.0", "xllamacpp": "2026.10.11549", "numpy": "2.4.6", "av": "18.1.0"}', 'null');

INSERT INTO public.schema_version VALUES (1);

INSERT INTO public.spend VALUES (1, '20261125-065226-282723', 'clip_evaluations', 12, '2026-11-25T06:52:26.387029Z');
INSERT INTO public.spend VALUES (2, '20261125-065226-282723', 'dollars', 0.25, '2026-11-25T06:52:26.387580Z');
INSERT INTO public.spend VALUES (3, '20261125-065226-311887', 'clip_evaluations', 4, '2026-11-25T06:52:26.387814Z');

INSERT INTO public.uses VALUES ('20261125-065226-282723', 'swaps/tune', 'b7756f757913923d', 'mcq5', 'c0', '0bfc44361ddde1cc83c389cfd63564c2eaa37333337b9d5e189891debb316b60');
INSERT INTO public.uses VALUES ('20261125-065226-282723', 'swaps/tune', 'b7756f757913923d', 'mcq5', 'c1', '9102a74e79f21addcb8fac4a2770e3dcc22fd172bc802edf64af0092d7d89ad9');
INSERT INTO public.uses VALUES ('20261125-065226-282723', 'swaps/tune', 'b7756f757913923d', 'mcq5', 'c2', '0721eaef20eb22923d399e413d942de529659aac7028af0be4e79ca233ae5747');
INSERT INTO public.uses VALUES ('20261125-065226-282723', 'swaps/tune', 'b7756f757913923d', 'mcq5', 'c3', 'e6e62762a2bfe9d72bb175abe968ee82db1a34c301eac26ed5968d4eab3f373a');
INSERT INTO public.uses VALUES ('20261125-065226-282723', 'swaps/tune', 'b7756f757913923d', 'mcq5', 'c4', 'f997874455aa8bb4481f359ef1e3f75014e278262dc2117adee53d88bedb346e');
INSERT INTO public.uses VALUES ('20261125-065226-282723', 'swaps/tune', 'e0845d4ff227d9fc', 'mcq5', 'c0', '9d5ad5b398eaa2fa1d9585577899f2ede07ad8322f3ff16e92158f4cd14e457e');
INSERT INTO public.uses VALUES ('20261125-065226-282723', 'swaps/tune', 'e0845d4ff227d9fc', 'mcq5', 'c1', 'fb944eaadea3303b5148909987c9e8b551fbf80a8e3d2b9070195ab416c63cad');
INSERT INTO public.uses VALUES ('20261125-065226-282723', 'swaps/tune', 'e0845d4ff227d9fc', 'mcq5', 'c2', '9d5b4949f978e5f20c43368ec4e02e601904521775c0ad75f697aef518a3ec3a');
INSERT INTO public.uses VALUES ('20261125-065226-282723', 'swaps/tune', 'e0845d4ff227d9fc', 'mcq5', 'c3', 'e9774f4755b79e1c8cfffc1ba5023e08950b46f9b0a1e547506203d1d617a82b');
INSERT INTO public.uses VALUES ('20261125-065226-282723', 'swaps/tune', 'e0845d4ff227d9fc', 'mcq5', 'c4', '247915ceecc0febc1ac4a7a0ba43e2d45034411f4fbc8f6b8bd3c61c13c6354b');
INSERT INTO public.uses VALUES ('20261125-065226-282723', 'swaps/test', 'e0845d4ff227d9fc', 'mcq5', 't0', '3a06f85896eab7a7e25739011c1d0327a640176ddd72882957a76692ec876461');
INSERT INTO public.uses VALUES ('20261125-065226-282723', 'swaps/test', 'e0845d4ff227d9fc', 'mcq5', 't1', 'cd2f89bbe495d9e5959c892ff40f077225e0583bbb040acb883a3e957396c299');
INSERT INTO public.uses VALUES ('20261125-065226-311887', 'again', 'b7756f757913923d', 'mcq5', 'c0', '0bfc44361ddde1cc83c389cfd63564c2eaa37333337b9d5e189891debb316b60');
INSERT INTO public.uses VALUES ('20261125-065226-311887', 'again', 'b7756f757913923d', 'mcq5', 'c1', '9102a74e79f21addcb8fac4a2770e3dcc22fd172bc802edf64af0092d7d89ad9');
INSERT INTO public.uses VALUES ('20261125-065226-311887', 'again', 'b7756f757913923d', 'mcq5', 'c2', '0721eaef20eb22923d399e413d942de529659aac7028af0be4e79ca233ae5747');
INSERT INTO public.uses VALUES ('20261125-065226-311887', 'again', 'b7756f757913923d', 'mcq5', 'c3', 'e6e62762a2bfe9d72bb175abe968ee82db1a34c301eac26ed5968d4eab3f373a');
INSERT INTO public.uses VALUES ('20261125-065226-311887', 'swaps/tune', '13ae2cdbdb2a03bd', 'mcq5', 'c0', 'cedd60faf0081dccb223a2e2d2e9eed30318fb1c0cad1d3b664fde9095aabfa1');
INSERT INTO public.uses VALUES ('20261125-065226-311887', 'swaps/tune', '13ae2cdbdb2a03bd', 'mcq5', 'c1', '1d0e9468b0537a8dd1a17443fa73eb76088d1dc5c8029935fbe29770494b1a0a');
INSERT INTO public.uses VALUES ('20261125-065226-311887', 'swaps/tune', '13ae2cdbdb2a03bd', 'mcq5', 'c7', 'short key');
INSERT INTO public.uses VALUES ('20261125-065226-311887', 'swaps/tune', '13ae2cdbdb2a03bd', 'mcq5', 'c8', 'no logprobs');

SELECT pg_catalog.setval('public.decisions_id_seq', 2, true);

SELECT pg_catalog.setval('public.schema_version_version_seq', 1, false);

SELECT pg_catalog.setval('public.spend_id_seq', 3, true);

ALTER TABLE ONLY public.answers
    ADD CONSTRAINT answers_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.decisions
    ADD CONSTRAINT decisions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.prompts
    ADD CONSTRAINT prompts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.proposals
    ADD CONSTRAINT proposals_pkey PRIMARY KEY (run_id, round, "position", prompt_id);

ALTER TABLE ONLY public.run_prompts
    ADD CONSTRAINT run_prompts_pkey PRIMARY KEY (run_id, prompt_id);

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.spend
    ADD CONSTRAINT spend_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.uses
    ADD CONSTRAINT uses_pkey PRIMARY KEY (run_id, dataset, prompt_id, format_key, clip_id);

CREATE INDEX ix_decisions_run_id ON public.decisions USING btree (run_id);

CREATE INDEX ix_runs_config_hash ON public.runs USING btree (config_hash);

CREATE INDEX ix_spend_run_id ON public.spend USING btree (run_id);

CREATE INDEX uses_by_answer ON public.uses USING btree (answer_key);

ALTER TABLE ONLY public.decisions
    ADD CONSTRAINT decisions_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.runs(id);

ALTER TABLE ONLY public.proposals
    ADD CONSTRAINT proposals_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.runs(id);

ALTER TABLE ONLY public.run_prompts
    ADD CONSTRAINT run_prompts_prompt_id_fkey FOREIGN KEY (prompt_id) REFERENCES public.prompts(id);

ALTER TABLE ONLY public.run_prompts
    ADD CONSTRAINT run_prompts_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.runs(id);

ALTER TABLE ONLY public.spend
    ADD CONSTRAINT spend_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.runs(id);

ALTER TABLE ONLY public.uses
    ADD CONSTRAINT uses_answer_key_fkey FOREIGN KEY (answer_key) REFERENCES public.answers(key);

