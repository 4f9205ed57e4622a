"""kafka-python, through install(): by itself; with gevent, which patches before ("gevent") or afterwards ("gevent later");
and in a process that is forked after install() ("forked")."""

import os
import sys

from common import LIMIT, REAL, RUN, TOPIC, WAY, install

if WAY == "gevent":
    from gevent import monkey

    monkey.patch_all()
servers = install()
if WAY == "gevent later":
    from gevent import monkey

    monkey.patch_all()
if WAY == "forked" and (worker := os.fork()):
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]))

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer  # noqa: E402
# kafka-python asks a broker which versions it speaks; librdkafka's mock brokers answer in a way that it does not take.
settings = {"bootstrap_servers": servers, **({} if REAL else {"api_version": (2, 0, 0)})}

values = {b"message %d" % n for n in range(12)}
producer = KafkaProducer(**settings, max_block_ms=LIMIT * 1000)
sent = [producer.send(TOPIC, value, key=RUN.encode(), partition=n % 6) for n, value in enumerate(values)]
for future in sent:
    future.get(LIMIT)
producer.close()

consumer = KafkaConsumer(
    TOPIC, **settings, group_id=RUN, auto_offset_reset="earliest", consumer_timeout_ms=LIMIT * 1000
)
left = set(values)
for message in consumer:
    if message.key == RUN.encode():
        left.discard(message.value)
    if not left:
        break
assert not left, f"{left} have not come"
consumer.close()

if REAL:
    admin = KafkaAdminClient(**settings)
    assert TOPIC in admin.list_topics()
    admin.close()
print(f"kafka-python works {WAY}".rstrip())
