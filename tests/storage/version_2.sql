CREATE TABLE alerts (
	id VARCHAR(32) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	stream_id TEXT NOT NULL, 
	camera_id VARCHAR(32), 
	source_name TEXT NOT NULL, 
	source_kind VARCHAR(16) NOT NULL, 
	label TEXT NOT NULL, 
	confidence FLOAT NOT NULL, 
	track_id INTEGER NOT NULL, 
	xyxy TEXT NOT NULL, 
	width_px INTEGER NOT NULL, 
	height_px INTEGER NOT NULL, 
	hits INTEGER NOT NULL, 
	frames INTEGER NOT NULL, 
	in_view_s FLOAT NOT NULL, 
	opened_at FLOAT NOT NULL, 
	updated_at FLOAT NOT NULL, 
	expires_at FLOAT NOT NULL, 
	decided_at FLOAT, 
	decided_by TEXT, 
	decided_zone TEXT, 
	reason TEXT, 
	note TEXT, 
	clip VARCHAR(16) NOT NULL, 
	clip_start_s FLOAT, 
	clip_duration_s FLOAT, 
	size_bytes BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "alerts" VALUES('a','dismissed','stream','22222222222222222222222222222222','Hall','camera','firearm',0.9,3,'[10.0,20.0,30.0,40.0]',640,480,3,5,0.0,1000.0,1100.0,1900.0,1100.0,'Ana',NULL,'umbrella',NULL,'pending',NULL,NULL,4000);
INSERT INTO "alerts" VALUES('b','candidate','stream',NULL,'Hall','camera','firearm',0.9,3,'[10.0,20.0,30.0,40.0]',640,480,3,5,0.0,2000.0,2000.0,2900.0,NULL,NULL,NULL,NULL,NULL,'pending',NULL,NULL,0);
CREATE TABLE cameras (
	id VARCHAR(32) NOT NULL, 
	name TEXT NOT NULL, 
	url TEXT NOT NULL, 
	detect_url TEXT, 
	username TEXT, 
	password TEXT, 
	confidence FLOAT, 
	classes TEXT, 
	max_fps FLOAT, 
	mask TEXT NOT NULL, 
	schedule TEXT NOT NULL, 
	rule TEXT NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	managed BOOLEAN NOT NULL, 
	snoozed_until FLOAT, 
	created_at FLOAT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
INSERT INTO "cameras" VALUES('11111111111111111111111111111111','Door','rtsp://10.0.0.1/live',NULL,NULL,NULL,NULL,NULL,NULL,'{"regions":[]}','[]','{"hits":null,"frames":null,"min_size_px":null,"cooldown_s":null}',1,0,NULL,100.0);
INSERT INTO "cameras" VALUES('22222222222222222222222222222222','Gate','rtsp://10.0.0.2/live','rtsp://10.0.0.2/small','viewer','s3cretword',0.5,'["firearm"]',10.0,'{"regions":[{"kind":"watch","points":[[0.0,0.0],[1.0,0.0],[0.5,1.0]]}]}','[{"days":[0,6],"start_min":1080,"end_min":360}]','{"hits":2,"frames":null,"min_size_px":null,"cooldown_s":10.0}',0,1,500.0,200.0);
CREATE TABLE deliveries (
	position INTEGER NOT NULL, 
	id VARCHAR(32) NOT NULL, 
	subject VARCHAR(32) NOT NULL, 
	channel TEXT NOT NULL, 
	event VARCHAR(16) NOT NULL, 
	payload TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	unsure BOOLEAN NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_try_at FLOAT NOT NULL, 
	created_at FLOAT NOT NULL, 
	sent_at FLOAT, 
	error TEXT, 
	PRIMARY KEY (position), 
	UNIQUE (id)
);
INSERT INTO "deliveries" VALUES(1,'d1','a','hook','candidate','{"alert":{"id":"a"}}','sent',0,1,1000.0,1000.0,1001.0,NULL);
INSERT INTO "deliveries" VALUES(2,'d2','b','hook','candidate','{"alert":{"id":"b"}}','pending',0,1,2001.0,2000.0,NULL,'no answer');
CREATE TABLE jobs (
	id VARCHAR(32) NOT NULL, 
	name TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	every INTEGER NOT NULL, 
	confidence FLOAT NOT NULL, 
	classes TEXT, 
	size_bytes BIGINT NOT NULL, 
	width_px INTEGER NOT NULL, 
	height_px INTEGER NOT NULL, 
	duration_s FLOAT, 
	frames INTEGER, 
	frames_done INTEGER NOT NULL, 
	fps FLOAT, 
	detections INTEGER, 
	tracks INTEGER, 
	error TEXT, 
	created_at FLOAT NOT NULL, 
	queued_at FLOAT NOT NULL, 
	started_at FLOAT, 
	finished_at FLOAT, 
	attempts INTEGER NOT NULL, 
	crashes INTEGER NOT NULL, 
	lease_owner VARCHAR(64), 
	lease_until FLOAT, 
	PRIMARY KEY (id)
);
INSERT INTO "jobs" VALUES('a1','gate.mp4','done',1,0.4,'["firearm"]',1000,64,48,2.0,60,60,41.5,3,1,NULL,1000.0,1000.0,1001.0,1003.0,1,0,NULL,NULL);
INSERT INTO "jobs" VALUES('b2','door.mp4','queued',5,0.4,NULL,1000,64,48,NULL,NULL,0,NULL,NULL,NULL,NULL,1010.0,1010.0,NULL,NULL,0,0,NULL,NULL);
CREATE TABLE schema_version (
	version INTEGER NOT NULL
);
INSERT INTO "schema_version" VALUES(2);
CREATE INDEX jobs_by_state ON jobs (state, queued_at);
CREATE INDEX alerts_by_state ON alerts (state, opened_at);
CREATE INDEX alerts_by_time ON alerts (opened_at);
CREATE INDEX deliveries_by_subject ON deliveries (subject, position);
CREATE INDEX deliveries_due ON deliveries (state, next_try_at);
