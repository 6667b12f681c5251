//! Users: the row of the list, and the longer record of one.

use serde_json::{Map, Value, json};

use super::secret;
use crate::time::{DAY_S, utc};
use crate::world::{Person, Status, World};

/// A row of `/users`. A pending user has no id.
pub(crate) fn listed_user(world: &World, user: u64, with_host_key: bool) -> Value {
    let person = world.person(user);
    let mut row = shared(world, &person);
    row.remove("role_name");
    if with_host_key {
        row.insert("host_key".into(), json!(secret(world.seed, &format!("host_key {user}"))));
    }
    Value::Object(row)
}

/// The record of `/users/{userId}`.
pub(crate) fn user_details(world: &World, user: u64, account_id: &str) -> Value {
    let person = world.person(user);
    let mut record = shared(world, &person);
    let mut draw = person.draw.clone();
    draw.next();
    let more = json!({
        "account_id": account_id,
        "account_number": 10_000_000 + world.seed % 1_000_000,
        "use_pmi": draw.chance(0.2),
        "job_title": draw.pick(&["Engineer", "Account Manager", "Analyst", ""]),
        "company": "Acme Simulated",
        "cost_center": draw.pick(&["CC-100", "CC-200", ""]),
        "location": draw.pick(&["Berlin", "Lisbon", "Osaka", ""]),
        "manager": format!("rossi.{}@acme-sim.example", draw.below(world.users)),
        "language": draw.pick(&["en-US", "de-DE", "ja-JP"]),
        "phone_numbers": [{
            "code": "+49", "country": "DE", "label": "Office",
            "number": format!("30{:07}", draw.below(10_000_000)), "verified": true,
        }],
        "phone_number": "", "phone_country": "",
        "personal_meeting_url": format!("https://acme-sim.zoom.example/j/{}", world.ids.pmi(user)),
        "vanity_url": "",
        "pic_url": format!("https://acme-sim.zoom.example/p/{}/pic", world.ids.user(user)),
        "pronouns": draw.pick(&["", "she/her", "they/them"]),
        "pronouns_option": draw.pick(&[1, 2, 3]),
        "jid": format!("{}@xmpp.zoom.example", world.ids.user(user).to_lowercase()),
        "cms_user_id": "",
        "cluster": "us02",
        "zoom_one_type": 16,
    });
    if let Value::Object(more) = more {
        record.extend(more);
    }
    Value::Object(record)
}

fn shared(world: &World, person: &Person) -> Map<String, Value> {
    let user = person.user;
    let mut draw = person.draw.clone();
    let created_s = world.midnight_s - draw.between(200, 1_500) * DAY_S + draw.between(0, 80_000);
    let licensed = draw.chance(0.7);
    let mut record = Map::new();
    let mut put = |name: &str, value: Value| record.insert(name.to_owned(), value);
    if person.status == Status::Pending {
        put("type", json!(1));
    } else {
        put("id", json!(world.ids.user(user)));
        put("type", json!(if licensed { 2 } else { 1 }));
        put("pmi", json!(world.ids.pmi(user)));
        put("last_login_time", json!(utc(world.midnight_s - draw.between(0, 20) * DAY_S)));
        put("last_client_version", json!(draw.pick(&["6.3.10.7150(mac)", "6.2.5.48(win)"])));
        put("user_created_at", json!(utc(created_s)));
    }
    put("email", json!(person.email));
    put("first_name", json!(person.first));
    put("last_name", json!(person.last));
    put("display_name", json!(person.display));
    put("status", json!(person.status.name()));
    put("timezone", json!(person.timezone));
    put("dept", json!(person.dept));
    put("verified", json!(u8::from(person.status != Status::Pending)));
    put("created_at", json!(utc(created_s + 3 * DAY_S)));
    put("role_id", json!(if user == 0 { "0" } else { "2" }));
    put("role_name", json!(if user == 0 { "Owner" } else { "Member" }));
    put("group_ids", json!([world.ids.other(1, draw.below(4))]));
    put("im_group_ids", json!([world.ids.other(2, draw.below(3))]));
    put("division_ids", json!([world.ids.other(3, draw.below(2))]));
    let number = user + 1_000 + u64::from(world.edits(user)) * 100_000;
    put("employee_unique_id", json!(format!("E{number:06}")));
    put("plan_united_type", json!("1"));
    put("login_types", json!([draw.pick(&[1, 100, 101])]));
    put(
        "custom_attributes",
        json!([{
            "key": format!("cbf_{}", draw.word(16).to_lowercase()),
            "name": "Badge",
            "value": format!("{:05}", draw.below(100_000)),
        }]),
    );
    put(
        "license_info_list",
        json!([{
            "license_type": "MEETING",
            "license_option": 8,
            "subscription_id": world.ids.other(4, 1),
        }]),
    );
    record
}
