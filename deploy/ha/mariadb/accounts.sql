-- Run once on the primary, with your own passwords.
CREATE DATABASE mukkeum CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- The program. Without SUPER and READ ONLY ADMIN, which would allow writes on a replica. REPLICATION MASTER
-- ADMIN, RELOAD and the like are not needed either.
CREATE USER 'mukkeum'@'%' IDENTIFIED BY 'change-me-1';
GRANT ALL ON mukkeum.* TO 'mukkeum'@'%';
-- For `mukkeum doctor`, which checks the replication.
GRANT REPLICA MONITOR ON *.* TO 'mukkeum'@'%';

-- The replicas.
CREATE USER 'repl'@'%' IDENTIFIED BY 'change-me-2';
GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'repl'@'%';

-- The nightly dump and the binary logs.
CREATE USER 'dump'@'%' IDENTIFIED BY 'change-me-4';
GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON mukkeum.* TO 'dump'@'%';
GRANT RELOAD, BINLOG MONITOR, REPLICATION SLAVE ON *.* TO 'dump'@'%';

-- MHA needs all privileges: it stops replicas, applies logs and resets read_only.
CREATE USER 'mha'@'%' IDENTIFIED BY 'change-me-3';
GRANT ALL ON *.* TO 'mha'@'%';
