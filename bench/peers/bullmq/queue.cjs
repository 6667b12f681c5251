// No-op jobs a second, added before. Arguments: JOBS CONCURRENCY WORKERS.
const { Queue, Worker } = require("bullmq");
const { connection, seconds, tell } = require("./redis.cjs");

const [jobs, concurrency, workers] = process.argv.slice(2).map(Number);
const BULK = 1000;

async function main() {
  const queue = new Queue("noop", { connection });
  for (let from = 0; from < jobs; from += BULK) {
    const many = Array.from({ length: Math.min(BULK, jobs - from) }, (_, at) => ({
      name: "noop",
      data: { number: from + at },
      opts: { removeOnComplete: true },
    }));
    await queue.addBulk(many);
  }
  const begun = process.hrtime.bigint();
  let left = jobs;
  await new Promise((done) => {
    const noop = async () => {
      left -= 1;
      if (left === 0) setImmediate(done);
    };
    for (let worker = 0; worker < workers; worker += 1) {
      new Worker("noop", noop, { connection, concurrency });
    }
  });
  tell({ per_second: jobs / seconds(begun) });
}

main();
