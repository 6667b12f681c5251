//! Faults on the way: answers that never were, and answers that do not arrive whole.

use serde_json::json;

use super::refusal::per_second;
use crate::account::Account;
use crate::exchange::Answer;
use crate::faults::{Fault, FaultDraws};

const BAD_GATEWAY: &str = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body>\
                           </html>";
const SIGN_IN: &str = "<!doctype html><html><body><form>Sign in</form></body></html>";
const FORBIDDEN: &str = "<html><body>403 Forbidden</body></html>";

/// What stands in the way of the answer, if anything does.
pub(super) fn instead(account: &Account, faults: &FaultDraws<'_>) -> Option<Answer> {
    let order = [
        Fault::Http500,
        Fault::Http502Html,
        Fault::Http408,
        Fault::Html200,
        Fault::RetryAfterAbsurd,
        Fault::RetryAfterFar,
    ];
    let fault = order.into_iter().find(|fault| faults.fires(*fault))?;
    account.note_fault(fault);
    Some(match fault {
        Fault::Http500 => {
            Answer::of_json(500, &json!({ "code": 500, "message": "Internal error." }))
        }
        Fault::Http502Html => Answer::of(502, "text/html", BAD_GATEWAY),
        Fault::Http408 => Answer::of(408, "text/html", ""),
        Fault::Html200 => Answer::of(200, "text/html;charset=utf-8", SIGN_IN),
        _ => {
            let mut draw = faults.draw(fault);
            draw.next();
            let after = match fault {
                Fault::RetryAfterFar => draw.pick(&["1000000000", "9999-12-31T00:00:00Z"]),
                _ => draw.pick(&["-5", "Thu, 01 Jan 1970 00:00:00 GMT", "soon", ""]),
            };
            Answer::of_json(429, &per_second(429))
                .with("x-ratelimit-type", "QPS")
                .with("retry-after", after)
        }
    })
}

/// The 403 that one instance gets for ever.
pub(super) fn forbidden() -> Answer {
    Answer::of(403, "text/html", FORBIDDEN)
}

/// The answer as it arrives: late, cut off, or too short.
pub(super) fn on_the_way(account: &Account, faults: &FaultDraws<'_>, answer: Answer) -> Answer {
    let mut answer = answer;
    answer.delay_ms = account.spec().latency_ms;
    if faults.fires(Fault::Slow) {
        account.note_fault(Fault::Slow);
        answer.delay_ms = answer.delay_ms.max(10) * 20;
    }
    let is_json = answer.header("content-type").is_some_and(|kind| kind.contains("json"));
    if faults.fires(Fault::ConnectionReset) && answer.body.len() > 1 {
        account.note_fault(Fault::ConnectionReset);
        let mut draw = faults.draw(Fault::ConnectionReset);
        draw.next();
        answer.cut_at = Some(draw.below(answer.body.len() as u64) as usize);
    } else if is_json && answer.body.len() > 2 && faults.fires(Fault::TruncatedJson) {
        account.note_fault(Fault::TruncatedJson);
        let mut draw = faults.draw(Fault::TruncatedJson);
        draw.next();
        let length = 1 + draw.below(answer.body.len() as u64 - 2) as usize;
        answer.body.truncate(length);
    }
    answer
}
