"""A program that knows nothing of kafka-emr: its configuration is all that differs."""

import json
import sys

from confluent_kafka import Producer

producer = Producer(json.loads(sys.argv[1]))
producer.produce("orders", b"five lines")
sys.exit(producer.flush(float(sys.argv[2])))
