BEGIN TRANSACTION;
CREATE TABLE answers (
	"key" VARCHAR(64) NOT NULL, 
	text TEXT NOT NULL, 
	label TEXT, 
	kind VARCHAR(16) NOT NULL, 
	logprobs JSON, 
	prompt_tokens INTEGER NOT NULL, 
	cached_tokens INTEGER NOT NULL, 
	seconds FLOAT NOT NULL, 
	error TEXT, 
	prompt_id VARCHAR(64) NOT NULL, 
	clip_id TEXT NOT NULL, 
	human TEXT NOT NULL, 
	background TEXT, 
	sources JSON NOT NULL, 
	choices INTEGER NOT NULL, 
	dataset TEXT NOT NULL, 
	run_id VARCHAR(64) NOT NULL, 
	created VARCHAR(32) NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "answers" VALUES('0bfc44361ddde1cc83c389cfd63564c2eaa37333337b9d5e189891debb316b60','A','dancing','human','[-0.1, -2.0]',40,30,0.01,NULL,'b7756f757913923d','c0','dancing','surfing','["c0 human", "c0 background"]',5,'swaps/tune','20261125-065226-282723','2026-11-25T06:52:26.358520Z');
INSERT INTO "answers" VALUES('9102a74e79f21addcb8fac4a2770e3dcc22fd172bc802edf64af0092d7d89ad9','A','surfing','background','[-0.1, -2.0]',40,30,0.01,NULL,'b7756f757913923d','c1','dancing','surfing','["c1 human", "c1 background"]',5,'swaps/tune','20261125-065226-282723','2026-11-25T06:52:26.358520Z');
INSERT INTO "answers" VALUES('0721eaef20eb22923d399e413d942de529659aac7028af0be4e79ca233ae5747','A','surfing','background','[-0.1, -2.0]',40,30,0.01,NULL,'b7756f757913923d','c2','dancing','surfing','["c2 human", "c2 background"]',5,'swaps/tune','20261125-065226-282723','2026-11-25T06:52:26.358520Z');
INSERT INTO "answers" VALUES('e6e62762a2bfe9d72bb175abe968ee82db1a34c301eac26ed5968d4eab3f373a','A','reading','other','[-0.1, -2.0]',40,30,0.01,NULL,'b7756f757913923d','c3','dancing','surfing','["c3 human", "c3 background"]',5,'swaps/tune','20261125-065226-282723','2026-11-25T06:52:26.358520Z');
INSERT INTO "answers" VALUES('f997874455aa8bb4481f359ef1e3f75014e278262dc2117adee53d88bedb346e','A',NULL,'error','[-0.1, -2.0]',40,30,0.01,'cut off','b7756f757913923d','c4','dancing','surfing','["c4 human", "c4 background"]',5,'swaps/tune','20261125-065226-282723','2026-11-25T06:52:26.358520Z');
INSERT INTO "answers" VALUES('9d5ad5b398eaa2fa1d9585577899f2ede07ad8322f3ff16e92158f4cd14e457e','A','dancing','human','[-0.1, -2.0]',40,30,0.01,NULL,'e0845d4ff227d9fc','c0','dancing','surfing','["c0 human", "c0 background"]',5,'swaps/tune','20261125-065226-282723','2026-11-25T06:52:26.367038Z');
INSERT INTO "answers" VALUES('fb944eaadea3303b5148909987c9e8b551fbf80a8e3d2b9070195ab416c63cad','A','dancing','human','[-0.1, -2.0]',40,30,0.01,NULL,'e0845d4ff227d9fc','c1','dancing','surfing','["c1 human", "c1 background"]',5,'swaps/tune','20261125-065226-282723','2026-11-25T06:52:26.367038Z');
INSERT INTO "answers" VALUES('9d5b4949f978e5f20c43368ec4e02e601904521775c0ad75f697aef518a3ec3a','A',NULL,'unparsed','[-0.1, -2.0]',40,30,0.01,NULL,'e0845d4ff227d9fc','c2','dancing','surfing','["c2 human", "c2 background"]',5,'swaps/tune','20261125-065226-282723','2026-11-25T06:52:26.367038Z');
INSERT INTO "answers" VALUES('e9774f4755b79e1c8cfffc1ba5023e08950b46f9b0a1e547506203d1d617a82b','A',NULL,'refused','[-0.1, -2.0]',40,30,0.01,NULL,'e0845d4ff227d9fc','c3','dancing','surfing','["c3 human", "c3 background"]',5,'swaps/tune','20261125-065226-282723','2026-11-25T06:52:26.367038Z');
INSERT INTO "answers" VALUES('247915ceecc0febc1ac4a7a0ba43e2d45034411f4fbc8f6b8bd3c61c13c6354b','A','surfing','background','[-0.1, -2.0]',40,30,0.01,NULL,'e0845d4ff227d9fc','c4','dancing','surfing','["c4 human", "c4 background"]',5,'swaps/tune','20261125-065226-282723','2026-11-25T06:52:26.367038Z');
INSERT INTO "answers" VALUES('3a06f85896eab7a7e25739011c1d0327a640176ddd72882957a76692ec876461','A','dancing','human','[-0.1, -2.0]',40,30,0.01,NULL,'e0845d4ff227d9fc','t0','dancing','surfing','["t0 human", "t0 background"]',5,'swaps/test','20261125-065226-282723','2026-11-25T06:52:26.370922Z');
INSERT INTO "answers" VALUES('cd2f89bbe495d9e5959c892ff40f077225e0583bbb040acb883a3e957396c299','A','surfing','background','[-0.1, -2.0]',40,30,0.01,NULL,'e0845d4ff227d9fc','t1','dancing','surfing','["t1 human", "t1 background"]',5,'swaps/test','20261125-065226-282723','2026-11-25T06:52:26.370922Z');
INSERT INTO "answers" VALUES('cedd60faf0081dccb223a2e2d2e9eed30318fb1c0cad1d3b664fde9095aabfa1','A','surfing','background','[-0.1, -2.0]',40,30,0.01,NULL,'13ae2cdbdb2a03bd','c0','dancing','surfing','["c0 human", "c0 background"]',5,'swaps/tune','20261125-065226-311887','2026-11-25T06:52:26.378159Z');
INSERT INTO "answers" VALUES('1d0e9468b0537a8dd1a17443fa73eb76088d1dc5c8029935fbe29770494b1a0a','A','dancing','human','[-0.1, -2.0]',40,30,0.01,NULL,'13ae2cdbdb2a03bd','c1','dancing','surfing','["c1 human", "c1 background"]',5,'swaps/tune','20261125-065226-311887','2026-11-25T06:52:26.378159Z');
INSERT INTO "answers" VALUES('short key','naïve ''B''','dancing','human','[-1e+30, -0.1234567890123456]',40,30,0.01,NULL,'13ae2cdbdb2a03bd','c7','dancing','surfing','["c7 human", "c7 background"]',5,'swaps/tune','20261125-065226-311887','2026-11-25T06:52:26.379480Z');
INSERT INTO "answers" VALUES('no logprobs','A','dancing','human','null',40,30,0.01,NULL,'13ae2cdbdb2a03bd','c8','dancing',NULL,'[]',0,'swaps/tune','20261125-065226-311887','2026-11-25T06:52:26.379480Z');
CREATE TABLE decisions (
	id INTEGER NOT NULL, 
	run_id VARCHAR(64) NOT NULL, 
	kind VARCHAR(64) NOT NULL, 
	detail JSON NOT NULL, 
	created VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
INSERT INTO "decisions" VALUES(1,'20261125-065226-282723','winner','{"id": "e0845d4ff227d9fc", "score": 0.5}','2026-11-25T06:52:26.382456Z');
INSERT INTO "decisions" VALUES(2,'20261125-065226-282723','stop','{"reason": "budget"}','2026-11-25T06:52:26.386655Z');
CREATE TABLE prompts (
	id VARCHAR(16) NOT NULL, 
	text TEXT NOT NULL, 
	parents JSON NOT NULL, 
	origin VARCHAR(64) NOT NULL, 
	hypothesis TEXT NOT NULL, 
	choice_style VARCHAR(16) NOT NULL, 
	created VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "prompts" VALUES('b7756f757913923d','What is the action being performed?','[]','hand','','plain','2026-11-25T06:52:26.340976Z');
INSERT INTO "prompts" VALUES('31dcb8b409fb0c6d','What is the action being performed?','[]','hand','','prefixed','2026-11-25T06:52:26.343525Z');
INSERT INTO "prompts" VALUES('e0845d4ff227d9fc','Who moves how?','["0000000000000000"]','opro','h','plain','2026-11-25T06:52:26.350068Z');
INSERT INTO "prompts" VALUES('13ae2cdbdb2a03bd','What is done?','[]','hand','','plain','2026-11-25T06:52:26.352025Z');
CREATE TABLE proposals (
	run_id VARCHAR(64) NOT NULL, 
	round INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	prompt_id VARCHAR(16) NOT NULL, 
	text TEXT NOT NULL, 
	parents JSON NOT NULL, 
	origin VARCHAR(64) NOT NULL, 
	hypothesis TEXT NOT NULL, 
	verdict VARCHAR(16) NOT NULL, 
	reason TEXT NOT NULL, 
	raw TEXT NOT NULL, 
	created VARCHAR(32) NOT NULL, 
	PRIMARY KEY (run_id, round, position, prompt_id), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
INSERT INTO "proposals" VALUES('20261125-065226-282723',0,0,'e0845d4ff227d9fc','Who moves how?','["0000000000000000"]','opro','h','accepted','','{"prompts": ["Who moves how?"]}','2026-11-25T06:52:26.350513Z');
INSERT INTO "proposals" VALUES('20261125-065226-282723',0,1,'8696578bd5a0e709','it''s "quoted"; 动作 🏃
line','[]','hand','','refused','2 words, at least 3 expected','reply','2026-11-25T06:52:26.351714Z');
INSERT INTO "proposals" VALUES('20261125-065226-311887',0,0,'13ae2cdbdb2a03bd','What is done?','[]','hand','','accepted','','','2026-11-25T06:52:26.355003Z');
CREATE TABLE run_prompts (
	run_id VARCHAR(64) NOT NULL, 
	prompt_id VARCHAR(16) NOT NULL, 
	position INTEGER NOT NULL, 
	PRIMARY KEY (run_id, prompt_id), 
	FOREIGN KEY(run_id) REFERENCES runs (id), 
	FOREIGN KEY(prompt_id) REFERENCES prompts (id)
);
INSERT INTO "run_prompts" VALUES('20261125-065226-282723','b7756f757913923d',0);
INSERT INTO "run_prompts" VALUES('20261125-065226-282723','31dcb8b409fb0c6d',1);
INSERT INTO "run_prompts" VALUES('20261125-065226-311887','b7756f757913923d',0);
INSERT INTO "run_prompts" VALUES('20261125-065226-311887','31dcb8b409fb0c6d',1);
INSERT INTO "run_prompts" VALUES('20261125-065226-282723','e0845d4ff227d9fc',2);
INSERT INTO "run_prompts" VALUES('20261125-065226-311887','13ae2cdbdb2a03bd',2);
CREATE TABLE runs (
	id VARCHAR(64) NOT NULL, 
	started VARCHAR(32) NOT NULL, 
	finished VARCHAR(32), 
	status VARCHAR(16) NOT NULL, 
	config JSON NOT NULL, 
	config_hash VARCHAR(64) NOT NULL, 
	seed INTEGER NOT NULL, 
	code_version VARCHAR(64) NOT NULL, 
	environment JSON NOT NULL, 
	summary JSON, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES('20261125-065226-282723','2026-11-25T06:52:26.282723Z','2026-11-25T06:52:26.392284Z','finished','{"budget": {"prompts": 3}, "name": "first"}','2394b605b44ad65b1c3d2add05196f0f1037e944d8c4dde03b3a7f0bff420317',7,'00c283f89fb0','{"python": "3.11.7", "platform": "Linux-x86_64", "torch": "2.13.0+cpu", "transformers": "5.24.0", "xllamacpp": "2026.10.11549", "numpy": "2.4.6", "av": "18.1.0"}','{"winner": "e0845d4ff227d9fc"}');
INSERT INTO "runs" VALUES('20261125-065226-311887','2026-11-25T06:52:26.311887Z',NULL,'running','{"budget": {"prompts": 1}, "name": "second"}','bdd95180645ea1f258555064590699ab660dada2248c13c21c9607fd933f1343',8,'00c283f89fb0','{"python": "3.11.7", "platform": "Linux-x86_64", "torch": "2.13.0+cpu", "transformers": "5.24.0", "xllamacpp": "2026.10.11549", "numpy": "2.4.6", "av": "18.1.0"}',NULL);
CREATE TABLE schema_version (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_version" VALUES(1);
CREATE TABLE spend (
	id INTEGER NOT NULL, 
	run_id VARCHAR(64) NOT NULL, 
	kind VARCHAR(64) NOT NULL, 
	amount FLOAT NOT NULL, 
	created VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id)
);
INSERT INTO "spend" VALUES(1,'20261125-065226-282723','clip_evaluations',12.0,'2026-11-25T06:52:26.387029Z');
INSERT INTO "spend" VALUES(2,'20261125-065226-282723','dollars',0.25,'2026-11-25T06:52:26.387580Z');
INSERT INTO "spend" VALUES(3,'20261125-065226-311887','clip_evaluations',4.0,'2026-11-25T06:52:26.387814Z');
CREATE TABLE uses (
	run_id VARCHAR(64) NOT NULL, 
	dataset TEXT NOT NULL, 
	prompt_id VARCHAR(64) NOT NULL, 
	format_key VARCHAR(255) NOT NULL, 
	clip_id TEXT NOT NULL, 
	answer_key VARCHAR(64) NOT NULL, 
	PRIMARY KEY (run_id, dataset, prompt_id, format_key, clip_id), 
	FOREIGN KEY(answer_key) REFERENCES answers ("key")
);
INSERT INTO "uses" VALUES('20261125-065226-282723','swaps/tune','b7756f757913923d','mcq5','c0','0bfc44361ddde1cc83c389cfd63564c2eaa37333337b9d5e189891debb316b60');
INSERT INTO "uses" VALUES('20261125-065226-282723','swaps/tune','b7756f757913923d','mcq5','c1','9102a74e79f21addcb8fac4a2770e3dcc22fd172bc802edf64af0092d7d89ad9');
INSERT INTO "uses" VALUES('20261125-065226-282723','swaps/tune','b7756f757913923d','mcq5','c2','0721eaef20eb22923d399e413d942de529659aac7028af0be4e79ca233ae5747');
INSERT INTO "uses" VALUES('20261125-065226-282723','swaps/tune','b7756f757913923d','mcq5','c3','e6e62762a2bfe9d72bb175abe968ee82db1a34c301eac26ed5968d4eab3f373a');
INSERT INTO "uses" VALUES('20261125-065226-282723','swaps/tune','b7756f757913923d','mcq5','c4','f997874455aa8bb4481f359ef1e3f75014e278262dc2117adee53d88bedb346e');
INSERT INTO "uses" VALUES('20261125-065226-282723','swaps/tune','e0845d4ff227d9fc','mcq5','c0','9d5ad5b398eaa2fa1d9585577899f2ede07ad8322f3ff16e92158f4cd14e457e');
INSERT INTO "uses" VALUES('20261125-065226-282723','swaps/tune','e0845d4ff227d9fc','mcq5','c1','fb944eaadea3303b5148909987c9e8b551fbf80a8e3d2b9070195ab416c63cad');
INSERT INTO "uses" VALUES('20261125-065226-282723','swaps/tune','e0845d4ff227d9fc','mcq5','c2','9d5b4949f978e5f20c43368ec4e02e601904521775c0ad75f697aef518a3ec3a');
INSERT INTO "uses" VALUES('20261125-065226-282723','swaps/tune','e0845d4ff227d9fc','mcq5','c3','e9774f4755b79e1c8cfffc1ba5023e08950b46f9b0a1e547506203d1d617a82b');
INSERT INTO "uses" VALUES('20261125-065226-282723','swaps/tune','e0845d4ff227d9fc','mcq5','c4','247915ceecc0febc1ac4a7a0ba43e2d45034411f4fbc8f6b8bd3c61c13c6354b');
INSERT INTO "uses" VALUES('20261125-065226-282723','swaps/test','e0845d4ff227d9fc','mcq5','t0','3a06f85896eab7a7e25739011c1d0327a640176ddd72882957a76692ec876461');
INSERT INTO "uses" VALUES('20261125-065226-282723','swaps/test','e0845d4ff227d9fc','mcq5','t1','cd2f89bbe495d9e5959c892ff40f077225e0583bbb040acb883a3e957396c299');
INSERT INTO "uses" VALUES('20261125-065226-311887','again','b7756f757913923d','mcq5','c0','0bfc44361ddde1cc83c389cfd63564c2eaa37333337b9d5e189891debb316b60');
INSERT INTO "uses" VALUES('20261125-065226-311887','again','b7756f757913923d','mcq5','c1','9102a74e79f21addcb8fac4a2770e3dcc22fd172bc802edf64af0092d7d89ad9');
INSERT INTO "uses" VALUES('20261125-065226-311887','again','b7756f757913923d','mcq5','c2','0721eaef20eb22923d399e413d942de529659aac7028af0be4e79ca233ae5747');
INSERT INTO "uses" VALUES('20261125-065226-311887','again','b7756f757913923d','mcq5','c3','e6e62762a2bfe9d72bb175abe968ee82db1a34c301eac26ed5968d4eab3f373a');
INSERT INTO "uses" VALUES('20261125-065226-311887','swaps/tune','13ae2cdbdb2a03bd','mcq5','c0','cedd60faf0081dccb223a2e2d2e9eed30318fb1c0cad1d3b664fde9095aabfa1');
INSERT INTO "uses" VALUES('20261125-065226-311887','swaps/tune','13ae2cdbdb2a03bd','mcq5','c1','1d0e9468b0537a8dd1a17443fa73eb76088d1dc5c8029935fbe29770494b1a0a');
INSERT INTO "uses" VALUES('20261125-065226-311887','swaps/tune','13ae2cdbdb2a03bd','mcq5','c7','short key');
INSERT INTO "uses" VALUES('20261125-065226-311887','swaps/tune','13ae2cdbdb2a03bd','mcq5','c8','no logprobs');
CREATE INDEX ix_runs_config_hash ON runs (config_hash);
CREATE INDEX uses_by_answer ON uses (answer_key);
CREATE INDEX ix_decisions_run_id ON decisions (run_id);
CREATE INDEX ix_spend_run_id ON spend (run_id);
CREATE VIEW scores AS
SELECT u.run_id, u.dataset, u.format_key, u.prompt_id, p.text AS prompt,
       AVG(CASE WHEN a.kind = 'human' THEN 1.0 ELSE 0.0 END) AS shacc,
       AVG(CASE WHEN a.kind = 'background' THEN 1.0 ELSE 0.0 END) AS sberr,
       COUNT(*) AS n
FROM uses u JOIN answers a ON a.key = u.answer_key LEFT JOIN prompts p ON p.id = u.prompt_id
WHERE a.kind <> 'error'
GROUP BY u.run_id, u.dataset, u.format_key, u.prompt_id, p.text;
COMMIT;
