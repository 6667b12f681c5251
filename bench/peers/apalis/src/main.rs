//! No-op tasks a second, sent before. Arguments: TASKS CONCURRENCY. At most 7,000 tasks: what a
//! push of more gives to `unpack` in Lua is too long for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_redis::{Config, RedisStorage};

/// Tasks of a push.
const PUSH: u64 = 1_000;

static DONE: AtomicU64 = AtomicU64::new(0);

async fn noop(_number: u64) -> Result<(), BoxDynError> {
    DONE.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

async fn until_done(tasks: u64, worker: WorkerContext) {
    while DONE.load(Ordering::Relaxed) < tasks {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let _ = worker.stop();
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), BoxDynError> {
    let mut words = std::env::args().skip(1).map(|word| word.parse::<u64>());
    let (tasks, concurrency) = match (words.next(), words.next()) {
        (Some(tasks), Some(concurrency)) => (tasks?, usize::try_from(concurrency?)?),
        _ => return Err("usage: queue TASKS CONCURRENCY".into()),
    };
    let connection = apalis_redis::connect(std::env::var("REDIS_URL")?).await?;
    let config = Config::default().queue("noop").batch_size(concurrency);
    let mut storage = RedisStorage::<u64>::new(connection).with_config(config);
    let mut next = 0;
    while next < tasks {
        let until = tasks.min(next + PUSH);
        storage.push_bulk((next..until).collect()).await?;
        next = until;
    }
    let begun = Instant::now();
    let worker = WorkerBuilder::new("bench").backend(storage).concurrency(concurrency).build(noop);
    worker
        .run_with_ctx(move |context| {
            tokio::spawn(until_done(tasks, context));
            async { Ok(()) }
        })
        .await?;
    let speed = tasks as f64 / begun.elapsed().as_secs_f64();
    println!("{}", serde_json::json!({ "per_second": speed }));
    Ok(())
}
