//! The jump hosts of a request: its field `jump`, a list of objects whose members are fields again.

use std::time::Duration;

use engine::{Hop, Target};

use crate::{
    error::ApiError,
    fields::{Fields, OF_A_HOST, invalid},
    login,
    members::Members,
    order,
};

/// How many jump hosts there may be.
const MAX_HOPS: usize = 8;

/// The fields of each jump host; those that mean nothing are among its ignored ones.
pub(crate) fn read(text: &str) -> Result<Vec<Fields>, ApiError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    // The error's own words could repeat what was sent.
    let hops: Vec<Members> = serde_json::from_str(text)
        .map_err(|_| invalid("jump", "must be a list of objects, one for each jump host"))?;
    if hops.len() > MAX_HOPS {
        return Err(invalid("jump", &format!("has more than {MAX_HOPS} jump hosts")));
    }
    let read = |(index, Members(members))| {
        Fields::of_members(members, &[OF_A_HOST]).map_err(|error: ApiError| error.within(&place(index)))
    };
    hops.into_iter().enumerate().map(read).collect()
}

/// What these fields say about jump hosts on the way to this target, each of which may be come to once.
pub(crate) fn hops(
    fields: &mut Fields,
    target: &Target,
    connect_ceiling: Option<Duration>,
) -> Result<Vec<Hop>, ApiError> {
    let hop = |mut fields: Fields| {
        let credentials = login::credentials(&mut fields)?;
        Ok(Hop { target: order::target(&mut fields, connect_ceiling)?, credentials })
    };
    let read = |(index, fields)| hop(fields).map_err(|error: ApiError| error.within(&place(index)));
    let hops = fields.take_hops().into_iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
    let way = engine::way(&hops, target);
    for (index, host) in way.iter().enumerate() {
        if way[..index].iter().any(|before| is_same(before, host)) {
            return Err(invalid("jump", &format!("leads to {host} twice")));
        }
    }
    Ok(hops)
}

/// The name of a jump host's place in the list.
pub(crate) fn place(index: usize) -> String {
    format!("jump[{index}]")
}

fn is_same(one: &Target, other: &Target) -> bool {
    let host = |target: &Target| target.host.trim_end_matches('.').to_owned();
    one.port == other.port && host(one) == host(other)
}

#[cfg(test)]
mod tests {
    use engine::{AuthMethod, SessionOrder};
    use serde_json::{Value, json};
    use wire::Code;

    use super::*;
    use crate::{
        config::Permits,
        order::{self, Ceilings},
    };

    fn order(jump: &Value) -> Result<SessionOrder, ApiError> {
        let body = json!({ "hostname": "db", "username": "u", "password": "p", "jump": jump });
        let fields = Fields::from_json(body.to_string().as_bytes())?;
        order::session(fields, Ceilings::default(), &Permits::default())
    }

    #[test]
    fn each_jump_host_has_its_own_account_and_login() {
        let jump = json!([
            { "hostname": "BASTION.example", "username": "a", "password": "one", "port": 2222 },
            { "hostname": "inner", "username": "b", "auth_methods": ["password"], "connect_timeout": 3 },
        ]);
        let SessionOrder { jump, target, .. } = order(&jump).unwrap();
        let named: Vec<_> = jump.iter().map(|hop| (hop.target.to_string(), &*hop.target.username)).collect();
        assert_eq!(named, [("bastion.example:2222".to_owned(), "a"), ("inner:22".to_owned(), "b")]);
        assert_eq!(target.to_string(), "db:22");
        assert!(jump[0].credentials.password.is_some() && jump[1].credentials.password.is_none());
        assert_eq!(jump[1].credentials.methods, Some(vec![AuthMethod::Password]));
        assert_eq!(jump[1].target.connect_timeout.map(|limit| limit.as_secs()), Some(3));
    }

    #[test]
    fn no_jump_host_is_a_way_too() {
        for none in [json!(null), json!([]), json!(""), json!(" [] ")] {
            assert!(order(&none).unwrap().jump.is_empty(), "{none}");
        }
    }

    #[test]
    fn a_form_says_the_same_in_text() {
        let mut fields = Fields::of_multipart();
        let jump = r#"[{"hostname": "b", "username": "u", "ssh_key": "KEY"}]"#;
        for (name, value) in [("hostname", "h"), ("username", "u"), ("ssh_key", "KEY"), ("jump", jump)] {
            fields.add(name, value.to_owned()).unwrap();
        }
        assert_eq!(
            order::session(fields, Ceilings::default(), &Permits::default()).unwrap().jump[0].target.host,
            "b"
        );
    }

    #[test]
    fn a_wrong_jump_host_is_named() {
        let good = json!({ "hostname": "a", "username": "u", "password": "p" });
        let with = |name: &str, value: Value| {
            let mut hop = good.clone();
            hop["hostname"] = json!("b");
            hop[name] = value;
            json!([good, hop])
        };
        for (jump, code, message) in [
            (with("port", json!(0)), Code::InvalidField, "In 'jump[1]': 'port' must be a whole number"),
            (with("port", json!([])), Code::InvalidField, "In 'jump[1]': 'port' must be a number"),
            (with("username", json!(null)), Code::MissingField, "In 'jump[1]': Not provided - 'username'"),
            (with("password", json!(null)), Code::InvalidCredentials, "In 'jump[1]': Not provided 'ssh_key'"),
            (with("host_key", json!("MD5:0")), Code::InvalidField, "In 'jump[1]': 'host_key' is"),
        ] {
            let refused = order(&jump).err().unwrap();
            assert_eq!(refused.code(), code, "{jump}");
            assert!(refused.message().starts_with(message), "{}", refused.message());
        }
        for jump in
            [json!({}), json!([1]), json!(["a"]), json!("a"), json!("{}"), json!(7), json!(vec![good; 9])]
        {
            assert_eq!(order(&jump).err().unwrap().code(), Code::InvalidField, "{jump}");
        }
    }

    #[test]
    fn a_way_comes_to_each_host_once() {
        let hop = |host: &str, port: u16| json!({ "hostname": host, "port": port, "username": "u", "password": "p" });
        for (way, twice) in [
            (json!([hop("db", 22)]), "db:22"),
            (json!([hop("DB.", 22)]), "db:22"),
            (json!([hop("a", 1), hop("b", 1), hop("a", 1)]), "a:1"),
            (json!([hop("127.0.0.1", 9), hop("127.1", 9)]), "127.0.0.1:9"),
        ] {
            let refused = order(&way).err().unwrap();
            assert_eq!(refused.code(), Code::InvalidField, "{way}");
            assert_eq!(refused.message(), format!("'jump' leads to {twice} twice"));
        }
        assert!(order(&json!([hop("db", 2222), hop("a", 22), hop("a", 23)])).is_ok());
    }

    #[test]
    fn what_means_nothing_there_is_listed() {
        let jump = json!([{ "hostname": "b", "username": "u", "password": "p", "command": "id", "x": 1 }]);
        let body = json!({ "y": 2, "jump": jump });
        let fields = Fields::from_json(body.to_string().as_bytes()).unwrap();
        assert_eq!(fields.ignored(), ["jump[0].command", "jump[0].x", "y"]);
    }
}
