"""Writes a thousand messages, reads them, and streams them back into the topic: with_spark.py TOPIC"""

import os
import sys
import tempfile

from pyspark.sql import SparkSession

[topic] = sys.argv[1:]
spark = SparkSession.builder.appName("kafka-emr").getOrCreate()
spark.sparkContext.setLogLevel("WARN")
servers = {"kafka.bootstrap.servers": os.environ["SERVERS"]}
limits = {"kafka.max.block.ms": "20000", "kafka.request.timeout.ms": "20000"}


def read(reader):
    """Everything in the topic, by who wrote it."""
    messages = reader.format("kafka").options(**servers).option("subscribe", topic)
    messages = messages.option("startingOffsets", "earliest").load()
    return messages.selectExpr("CAST(key AS STRING) AS writer", "CAST(value AS STRING) AS value")


def written_by(writer):
    return read(spark.read).where(f"writer = '{writer}'").select("value").distinct().count()


numbers = spark.range(0, 1000, 1, 4).selectExpr("'batch' AS key", "CAST(id AS STRING) AS value")
numbers.write.format("kafka").options(**servers, **limits).option("topic", topic).save()
batch = written_by("batch")

with tempfile.TemporaryDirectory() as checkpoint:
    stream = read(spark.readStream).where("writer = 'batch'").selectExpr("'stream' AS key", "value").writeStream
    stream = stream.format("kafka").options(**servers, **limits).option("topic", topic)
    stream = stream.option("checkpointLocation", checkpoint).trigger(availableNow=True).start()
    stream.awaitTermination()

executors = spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1
print(f"wrote 1000, read {batch}, streamed {written_by('stream')}, by {executors} executors")
spark.stop()
