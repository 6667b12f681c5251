// Parents that wait for their children, adding counted. Arguments: SHAPE JOBS CONCURRENCY.
// `wide`: one parent of so many jobs. `zoom`: users, one to five meetings each, one to five
// instances of each of these; a job for every one of them, so many in all.
const { FlowProducer, Worker } = require("bullmq");
const { connection, seconds, tell, used } = require("./redis.cjs");

const [shape, ...numbers] = process.argv.slice(2);
const [jobs, concurrency] = numbers.map(Number);
const FLOWS = 100;

let turn = 0;
const oneToFive = () => 1 + (turn++ % 5);

// 24 characters, as a UUID of Zoom has.
const uuid = () => require("crypto").randomBytes(16).toString("base64");

function leaf() {
  return {
    name: "instance",
    queueName: "jobs",
    data: { uuid: uuid(), start_time: "2026-10-02T09:00:00Z" },
    opts: { removeOnComplete: true },
  };
}

function node(name, children) {
  return { name, queueName: "jobs", data: {}, opts: { removeOnComplete: true }, children };
}

function wide() {
  return [node("parent", Array.from({ length: jobs }, leaf))];
}

function zoom() {
  const flows = [];
  let made = 0;
  while (made < jobs) {
    const meetings = Array.from({ length: oneToFive() }, () =>
      node("meeting", Array.from({ length: oneToFive() }, leaf)),
    );
    made += 1 + meetings.reduce((sum, meeting) => sum + 1 + meeting.children.length, 0);
    flows.push(node("user", meetings));
  }
  return flows;
}

const count = (flow) => 1 + (flow.children ?? []).reduce((sum, child) => sum + count(child), 0);

async function main() {
  const flows = shape === "wide" ? wide() : zoom();
  const all = flows.reduce((sum, flow) => sum + count(flow), 0);
  const producer = new FlowProducer({ connection });
  await producer.waitUntilReady?.();
  const empty = await used();
  const begun = process.hrtime.bigint();
  for (let from = 0; from < flows.length; from += FLOWS) {
    await producer.addBulk(flows.slice(from, from + FLOWS));
  }
  const adding = seconds(begun);
  const bytes = ((await used()) - empty) / all;
  const again = process.hrtime.bigint();
  let left = all;
  await new Promise((done) => {
    const noop = async () => {
      left -= 1;
      if (left === 0) setImmediate(done);
    };
    new Worker("jobs", noop, { connection, concurrency });
  });
  tell({ per_second: all / (adding + seconds(again)), bytes_per_pending_item: bytes });
}

main();
