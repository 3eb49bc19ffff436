//! Answers the questions of tests/webhooks/exchange.py with what the page for partners shows for Rust.

mod received;

use base64::{engine::general_purpose::STANDARD, Engine};
use http::{HeaderMap, HeaderValue};
use standardwebhooks::Webhook;
use std::io::{stdin, BufRead};

fn main() {
    for line in stdin().lock().lines() {
        println!("{}", answer(&line.expect("a line of text")));
    }
}

fn answer(line: &str) -> String {
    let fields: Vec<&str> = line.split('\t').collect();
    let [asked, key, id, timestamp, signature, encoded, _] = fields[..] else {
        panic!("a question has seven fields");
    };
    let body = STANDARD.decode(encoded).expect("base64");
    if asked == "sign" {
        let seconds = timestamp.parse().expect("seconds");
        let webhook = Webhook::new(key).expect("a secret");
        return webhook.sign(id, seconds, &body).expect("a signature");
    }
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("webhook-id", id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
    ] {
        headers.insert(name, HeaderValue::from_str(value).expect("a header"));
    }
    let genuine = received::is_genuine(key, &headers, &body);
    String::from(if genuine { "genuine" } else { "refused" })
}
