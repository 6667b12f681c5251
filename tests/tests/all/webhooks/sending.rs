//! `watershed webhook send`.

use super::endpoint::{Endpoint, asked, folder};

#[test]
fn a_sample_of_an_event_is_signed_sent_and_kept() {
    let home = folder("");
    let endpoint = Endpoint::start(&home);
    let base = format!("http://{}", endpoint.host);
    let whole = format!("{base}/webhooks/zoom/globex");
    let send = |event: &str, to: &str, connection: &str| {
        home.run(&["webhook", "send", event, "--to", to, "--connection", connection])
    };
    let sent = send("meeting.ended", &base, "acme").expect(0);
    assert!(sent.stdout.contains("meeting.ended: taken (204"), "{sent}");
    send("user.deactivated", &whole, "globex").expect(0);
    let kept = asked(&home, "SELECT connection || ' ' || event FROM _inbox ORDER BY place");
    assert_eq!(kept, ["acme meeting.ended", "globex user.deactivated"]);
    let challenged = send("endpoint.url_validation", &base, "acme").expect(0);
    assert!(challenged.stdout.contains("taken (200"), "{challenged}");
    let refused = send("meeting.ended", &whole, "acme").expect(1);
    assert!(refused.stderr.contains("answered 401"), "{refused}");
    let json = home.run(&[
        "webhook",
        "send",
        "meeting.ended",
        "--to",
        &base,
        "--connection",
        "acme",
        "--json",
    ]);
    let told = json.expect(0).json();
    crate::json_shapes::fits("webhook-sent", &told);
    assert_eq!((&told["status"], &told["taken"]), (&204.into(), &true.into()), "{told}");
}

#[test]
fn what_cannot_be_sent_is_told_with_a_way_out() {
    let home = folder("");
    let send = |event: &str, to: &str, connection: &str| {
        home.run(&["webhook", "send", event, "--to", to, "--connection", connection])
    };
    let wrong = send("meeting.endet", "http://127.0.0.1:9", "acme").expect(2);
    assert!(wrong.stderr.contains("did you mean meeting.ended?"), "{wrong}");
    assert!(wrong.stderr.contains("recording.transcript_completed"), "{wrong}");
    let wrong = send("meeting.ended", "http://127.0.0.1:9", "quiet").expect(2);
    assert!(wrong.stderr.contains("connections.quiet has no webhook_secret"), "{wrong}");
    for url in ["ftp://h/", "h", "https://me:SIMSECRET@h/"] {
        let wrong = send("meeting.ended", url, "acme").expect(2);
        assert!(!wrong.stderr.contains("SIMSECRET"), "{wrong}");
    }
    let nobody = send("meeting.ended", "http://127.0.0.1:9", "acme").expect(1);
    assert!(nobody.stderr.contains("send to 127.0.0.1"), "{nobody}");
}
