"""confluent_kafka: every kind of client, several at once."""

import time

from common import LIMIT, REAL, RUN, TOPIC, librdkafka
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic


def send(producer, values):
    failed = []

    def delivered(error, _):
        if error:
            failed.append(error)

    for n, value in enumerate(values):
        producer.produce(TOPIC, value, key=RUN, partition=n % 6, on_delivery=delivered)
    left = producer.flush(LIMIT)
    assert not left and not failed, f"{left} messages are not delivered, {failed[:1]}"


def receive(consumer, expected):
    left, end = set(expected), time.monotonic() + LIMIT
    while left:
        assert time.monotonic() < end, f"{left} have not come"
        message = consumer.poll(1)
        if message and not message.error() and message.key() == RUN.encode():
            left.discard(message.value())


def consumer(group):
    made = Consumer(librdkafka(group_id=f"{group} {RUN}", auto_offset_reset="earliest", isolation_level="read_committed"))
    made.subscribe([TOPIC])
    return made


# All six partitions, so every broker.
values = [b"message %d" % n for n in range(12)]
send(Producer(librdkafka()), values)

admin = AdminClient(librdkafka())
topics = admin.list_topics(timeout=LIMIT).topics
assert len(topics[TOPIC].partitions) == 6, topics
if REAL:
    name = f"made-{RUN}"
    admin.create_topics([NewTopic(name, 3, 3)])[name].result(LIMIT)
    # A broker may be asked that has not heard of it yet.
    end = time.monotonic() + LIMIT
    while name not in AdminClient(librdkafka()).list_topics(timeout=LIMIT).topics:
        assert time.monotonic() < end, f"{name} does not come"

consumers = [consumer("one"), consumer("two"), consumer("three")]
for each in consumers:
    receive(each, values)
    each.close()

transactional = Producer(librdkafka(transactional_id=RUN))
transactional.init_transactions(LIMIT)
transactional.begin_transaction()
committed = [b"committed %d" % n for n in range(6)]
send(transactional, committed)
transactional.commit_transaction(LIMIT)
last = consumer("four")
receive(last, committed)
last.close()
print("confluent_kafka works")
