"""aiokafka, through install(): on asyncio's own loop; on uvloop's, which runs already, as under uvicorn ("uvloop"); and
where uvloop is imported afterwards ("uvloop later")."""

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from common import LIMIT, RUN, TOPIC, WAY, install


async def main(servers=None):
    servers = servers or install()
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


early = install() if WAY == "uvloop later" else None
if WAY:
    assert not early or "uvloop" not in sys.modules
    import uvloop

    loop = uvloop.new_event_loop()
else:
    loop = asyncio.new_event_loop()
loop.run_until_complete(asyncio.wait_for(main(early), LIMIT))
loop.close()
print(f"aiokafka works {WAY}".rstrip())
