//! The account behind a real socket.

use std::sync::Arc;

use serde_json::Value;

use crate::{Account, Server, Spec};

async fn serve(spec: Spec) -> (Server, Value, reqwest::Client) {
    let account = Arc::new(Account::new(spec));
    let server = Server::start(account, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let ready = server.ready_line();
    // Another test may have been first.
    rustls::crypto::ring::default_provider().install_default().ok();
    (server, ready, reqwest::Client::builder().no_proxy().build().unwrap())
}

async fn token(ready: &Value, http: &reqwest::Client) -> String {
    let text = |name: &str| ready[name].as_str().unwrap().to_owned();
    let form = format!("grant_type=account_credentials&account_id={}", text("account_id"));
    let answer = http
        .post(text("token_url"))
        .basic_auth(text("client_id"), Some(text("client_secret")))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    let body: Value = serde_json::from_str(&answer.send().await.unwrap().text().await.unwrap())
        .expect("the token answer is JSON");
    assert_eq!(body["api_url"], ready["base"]);
    body["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_the_ready_line_says_leads_to_users_files_and_the_truth() {
    let (server, ready, http) = serve(Spec { users: 20, ..Spec::default() }).await;
    let token = token(&ready, &http).await;
    let api = ready["api_url"].as_str().unwrap();
    let users = http.get(format!("{api}/users?status=active")).bearer_auth(&token);
    let body: Value = serde_json::from_str(&users.send().await.unwrap().text().await.unwrap())
        .expect("a page of users is JSON");
    assert_eq!(body["users"].as_array().unwrap().len(), 18);

    let base = ready["base"].as_str().unwrap();
    let truth = http.get(format!("{base}/__sim/truth?dataset=users,recording_files"));
    let text = truth.send().await.unwrap().text().await.unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.iter().filter(|row| row["dataset"] == "users").count(), 20);
    let file = rows.iter().find(|row| row["record"]["file_type"] == "MP4").unwrap();
    let url = file["record"]["download_url"].as_str().unwrap();
    assert!(url.starts_with(base), "{url}");
    let bytes = http.get(url).bearer_auth(&token).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(Some(bytes.len() as u64), file["record"]["file_size"].as_u64());

    let stats = http.get(format!("{base}/__sim/stats")).send().await.unwrap();
    let stats: Value = serde_json::from_str(&stats.text().await.unwrap()).unwrap();
    assert_eq!(stats["calls"]["list_users"]["200"], 1);
    assert_eq!(stats["tokens_issued"], 1);
    server.stop().await;
}

#[tokio::test]
async fn a_broken_connection_is_an_error_and_not_a_short_body() {
    let faults = "connection_reset=1".parse().unwrap();
    let (server, ready, http) = serve(Spec { faults, ..Spec::default() }).await;
    let token = token(&ready, &http).await;
    let api = ready["api_url"].as_str().unwrap();
    let answer = http.get(format!("{api}/users")).bearer_auth(&token).send().await;
    let body = match answer {
        Ok(answer) => answer.text().await,
        Err(error) => Err(error),
    };
    assert!(body.is_err(), "{body:?}");
    server.stop().await;
}
