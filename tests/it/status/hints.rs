//! Hints about a mismatch are for the operator only.

use super::*;

#[tokio::test]
async fn say_what_somebody_in_front_did_to_the_body() {
    let gzipped: &[u8] = b"\x1f\x8b\x08 looks like gzip";
    let plain: &[u8] = b"{\"type\":\"a.b\"}";
    for (headers, body, hint) in [
        (&[][..], gzipped, Some("gzip without a Content-Encoding")),
        (&[("content-encoding", "gzip")], plain, Some("inflated it")),
        (&[("content-encoding", "gzip")], gzipped, None),
        (&[], plain, None),
    ] {
        let endpoint = endpoint(layer()).await;
        let (signature, length) = (sign(b"other").to_hex(), body.len().to_string());
        let mut all = vec![
            ("x-nylas-signature", &*signature),
            ("content-length", &length),
        ];
        all.extend(headers);
        let mut request = head("POST", PATH, &all).into_bytes();
        request.extend_from_slice(body);
        let answer = endpoint.send(&request).await;
        assert_rejected(&answer, 401, "signature not accepted");
        let report = endpoint.reports().concat();
        match hint {
            Some(hint) => assert!(report.ends_with(hint) || report.contains(hint), "{report}"),
            None => assert!(
                report.contains("does not match the body: if nothing"),
                "{report}"
            ),
        }
    }
}

#[tokio::test]
async fn name_a_length_that_a_layer_in_front_changed() {
    for (declared, hint) in [(Some("99"), "99"), (None, "neither Content-Length")] {
        let mut request = Request::post(PATH)
            .header("x-nylas-signature", sign(b"other").to_hex())
            .body(Full::new(Bytes::from("{}")))
            .unwrap();
        if let Some(declared) = declared {
            let declared = declared.parse().unwrap();
            request.headers_mut().insert("content-length", declared);
        }
        let webhook = layer().layer(counting_router().0);
        let response = webhook.oneshot(request).await.unwrap();
        let rejection = response.extensions().get::<Rejection>().unwrap();
        assert!(rejection.to_string().contains(hint), "{rejection}");
    }
}

#[tokio::test]
async fn name_a_signature_in_another_form() {
    for (signature, hint) in [
        ("mOD3VYtxLxP2Lh1rvWPYpqiTm4LnK2RbfhYq7hgGq1U=", "base64"),
        (
            &format!("sha256={}", "0".repeat(62)),
            "62 hexadecimal digits",
        ),
        (&[&*sign(b"{}").to_hex(); 17].join(","), "or too many"),
        ("", "is empty"),
        (&"0".repeat(66), "66 hexadecimal digits"),
        ("not hex at all", "not 64 hexadecimal digits"),
    ] {
        let endpoint = endpoint(layer()).await;
        let answer = endpoint.send(&delivery_signed(b"{}", signature)).await;
        assert_rejected(&answer, 401, "signature not accepted");
        assert_reported(&endpoint, hint);
    }
}
