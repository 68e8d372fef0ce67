-- On the primary, once. Put passwords of your own.
CREATE DATABASE mukkeum CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

-- The program. It has neither SUPER nor READ ONLY ADMIN: with these it could write on a replica.
-- REPLICATION MASTER ADMIN and the like are not needed either; RELOAD is not.
CREATE USER 'mukkeum'@'%' IDENTIFIED BY 'change-me-1';
GRANT ALL ON mukkeum.* TO 'mukkeum'@'%';
-- So that `mukkeum doctor` can see whether replicas follow.
GRANT REPLICA MONITOR ON *.* TO 'mukkeum'@'%';

-- The replicas.
CREATE USER 'repl'@'%' IDENTIFIED BY 'change-me-2';
GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'repl'@'%';

-- The nightly dump and the binary logs that lead it on.
CREATE USER 'dump'@'%' IDENTIFIED BY 'change-me-4';
GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON mukkeum.* TO 'dump'@'%';
GRANT RELOAD, BINLOG MONITOR, REPLICATION SLAVE ON *.* TO 'dump'@'%';

-- MHA needs everything: it stops replicas, applies logs and lifts read_only.
CREATE USER 'mha'@'%' IDENTIFIED BY 'change-me-3';
GRANT ALL ON *.* TO 'mha'@'%';
