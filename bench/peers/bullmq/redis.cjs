// The Redis of the benchmark: its URL stands in REDIS_URL.
const Redis = require("ioredis");

const { hostname, port } = new URL(process.env.REDIS_URL);

exports.connection = { host: hostname, port: Number(port), maxRetriesPerRequest: null };

// Bytes that all of Redis uses.
exports.used = async () => {
  const redis = new Redis.Redis(exports.connection);
  const told = await redis.info("memory");
  await redis.quit();
  return Number(/^used_memory:(\d+)/m.exec(told)[1]);
};

exports.seconds = (since) => Number(process.hrtime.bigint() - since) / 1e9;

// The one line of the result; what is still connected is left.
exports.tell = (result) => process.stdout.write(JSON.stringify(result) + "\n", () => process.exit(0));
