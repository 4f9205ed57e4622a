// kafkajs as it is: with_kafkajs.js MODULES SERVERS, where the folder MODULES has it.

const [modules, servers] = process.argv.slice(2);
const { Kafka, logLevel } = require(require.resolve("kafkajs", { paths: [modules] }));

const run = `${process.pid}-${Date.now()}`;
const kafka = new Kafka({
  brokers: servers.split(","),
  clientId: run,
  connectionTimeout: 3000,
  retry: { retries: 3 },
  logLevel: logLevel.ERROR,
});

async function main() {
  const values = Array.from({ length: 12 }, (_, n) => `kafkajs ${n}`);
  const producer = kafka.producer();
  await producer.connect();
  // All six partitions, so every broker.
  await producer.send({
    topic: "orders",
    messages: values.map((value, n) => ({ key: run, value, partition: n % 6 })),
  });
  await producer.disconnect();

  const left = new Set(values);
  const consumer = kafka.consumer({ groupId: run });
  await consumer.connect();
  await consumer.subscribe({ topics: ["orders"], fromBeginning: true });
  await new Promise((resolve) =>
    consumer.run({
      eachMessage: async ({ message }) => {
        if (String(message.key) === run) left.delete(String(message.value));
        if (left.size === 0) resolve();
      },
    }),
  );
  await consumer.disconnect();
  console.log("kafkajs works");
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error.message);
    process.exit(1);
  },
);
