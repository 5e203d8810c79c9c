CREATE TABLE schema_version (version INTEGER NOT NULL);
CREATE TABLE jobs (
	id VARCHAR(32) NOT NULL, name TEXT NOT NULL, state VARCHAR(16) NOT NULL, every INTEGER NOT NULL, confidence FLOAT NOT NULL, classes TEXT,
	size_bytes BIGINT NOT NULL, width_px INTEGER NOT NULL, height_px INTEGER NOT NULL, duration_s FLOAT, frames INTEGER,
	frames_done INTEGER NOT NULL, fps FLOAT, detections INTEGER, tracks INTEGER, error TEXT, created_at FLOAT NOT NULL,
	queued_at FLOAT NOT NULL, started_at FLOAT, finished_at FLOAT, attempts INTEGER NOT NULL, crashes INTEGER NOT NULL,
	lease_owner VARCHAR(64), lease_until FLOAT, PRIMARY KEY (id)
);
CREATE INDEX jobs_by_state ON jobs (state, queued_at);
INSERT INTO schema_version VALUES(1);
INSERT INTO jobs VALUES('a1','gate.mp4','done',1,0.35,'["firearm"]',1000,640,480,2.0,60,60,41.5,3,1,NULL,1000.0,1000.0,1001.0,1003.0,1,0,NULL,NULL);
INSERT INTO jobs VALUES('b2','door.mp4','queued',5,0.5,NULL,2000,320,240,NULL,NULL,0,NULL,NULL,NULL,NULL,1010.0,1010.0,NULL,NULL,0,0,NULL,NULL);
