"""aiokafka, through install()."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from common import LIMIT, RUN, TOPIC, install


async def main():
    servers = install()
    values = {b"message %d" % n for n in range(12)}
    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
        for n, value in enumerate(values):
            await producer.send_and_wait(TOPIC, value, key=RUN.encode(), partition=n % 6)
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=servers, group_id=RUN, auto_offset_reset="earliest")
    async with consumer:
        left = set(values)
        async for message in consumer:
            if message.key == RUN.encode():
                left.discard(message.value)
            if not left:
                break


asyncio.run(asyncio.wait_for(main(), LIMIT))
print("aiokafka works")
