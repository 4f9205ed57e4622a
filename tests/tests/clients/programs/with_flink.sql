-- Reads all that there is of one cluster, and writes it to the other.
SET 'table.dml-sync' = 'true';

CREATE TABLE orders (message STRING) WITH (
    'connector' = 'kafka',
    'format' = 'raw',
    'topic' = 'orders',
    'properties.bootstrap.servers' = 'emr-worker-1.cluster-48742:9092',
    'scan.startup.mode' = 'earliest-offset',
    'scan.bounded.mode' = 'latest-offset'
);

CREATE TABLE reports (message STRING) WITH (
    'connector' = 'kafka',
    'format' = 'raw',
    'topic' = 'orders',
    'properties.bootstrap.servers' = '127.21.1.24:9093',
    'properties.max.block.ms' = '20000'
);

INSERT INTO reports SELECT 'a report of ' || message FROM orders;
