//! What must hold for any bytes. The property tests of `wire` call the same functions.

/// A request is refused, or each target is sent JSON.
pub fn request(bytes: &[u8]) {
    let bodies = [wire::drive::bodies(bytes), wire::drive::messages::bodies(bytes)];
    for body in bodies.into_iter().flatten() {
        // Two numbers of serde_json's own are no concern of ours: how deep it reads, and f64.
        match serde_json::from_str::<serde_json::Value>(&body) {
            Err(error) if !error.to_string().contains("number out of range") => {
                panic!("the upstream is sent what is not JSON: {error}\n{body}")
            }
            _ => {}
        }
    }
}

/// A stream ends once, whatever it holds and however it is cut.
pub fn stream(bytes: &[u8]) {
    for ends_once in [wire::drive::ends_once, wire::drive::messages::ends_once] {
        if let Err(wrong) = ends_once(bytes) {
            panic!("{wrong}");
        }
    }
}
