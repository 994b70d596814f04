//! No key is left in memory that is given back: the allocator of this program looks through every
//! block when it is freed, also through the one that a growing vector leaves.

#![cfg(feature = "testing")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    array,
    cell::Cell,
    convert::Infallible,
    env,
    ffi::OsString,
    hint::black_box,
    pin::Pin,
    process::Command,
    slice,
    sync::OnceLock,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use hmac::{Hmac, KeyInit};
use http::{Request, Response};
use http_body_util::Full;
use sha2::{Digest, Sha256, block_api::compress256};
use tower::{Service, service_fn};
use tower_nylas::{
    InvalidSecret, Secrets, VerifiedBody, VerifyError, VerifySignatureLayer, WebhookLayer,
    WebhookSecret, testing::VirtualClock,
};
use tower_nylas_kit::{
    body::{Scripted, Step},
    delivery::sign_with,
};

/// The last one is longer than a block of SHA-256, so that its hash is the key.
const KEYS: [&str; 6] = [
    "k7-Hq_inventedSecret",
    "another-inventedOne1",
    "a-third-inventedOne2",
    "a-fourth-inventedOne",
    "a-fifth-invented0ne3",
    "a-sixth-one-that-is-longer-than-a-block-of-SHA-256-and-is-hashed-before-it-is-used-as-a-key",
];
const KEY: &str = KEYS[0];
const BODY: &[u8] =
    br#"{"type":"message.created","data":{"object":{"body":"some words, more than a block"}}}"#;

// Everything that this program allocates.
#[global_allocator]
static LOOKING: Looking = Looking;

struct Looking;

thread_local! {
    /// How many pieces of keys were in the blocks that this thread has freed, while it counts them.
    static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
}

// SAFETY: the blocks are `System`'s, asked for and given back with the same layouts. Every byte of
// them was initialized by `alloc_zeroed`, and a block is read while it is not yet freed. Reading
// allocates nothing and does not panic. `realloc` is the trait's own: a new block, a copy, and
// `dealloc` of the old block.
unsafe impl GlobalAlloc for Looking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: see above.
        look_into(unsafe { slice::from_raw_parts(block, layout.size()) });
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Sixteen bytes of a key, or of what stands for it, in ascending order.
///
/// Half of them could come from the stack, where no drop wipes what a move has left: an
/// `Option<Instant>` that is `None` takes over eight bytes of it.
static PIECES: OnceLock<Vec<u128>> = OnceLock::new();

fn look_into(block: &[u8]) {
    // Not there any more while the thread ends, and nothing is tested then.
    let counted = LEFT.try_with(Cell::get).ok().flatten();
    let (Some(mut left), Some(pieces)) = (counted, PIECES.get()) else {
        return;
    };
    for at in 16..=block.len() {
        let piece = array::from_fn(|index| block[at - 16 + index]);
        if pieces.binary_search(&u128::from_ne_bytes(piece)).is_ok() {
            left += 1;
        }
    }
    LEFT.set(Some(left));
}

/// How many pieces of keys are left by this.
fn left_by(action: impl FnOnce()) -> usize {
    PIECES.get_or_init(|| {
        let mut pieces: Vec<u128> = KEYS.into_iter().flat_map(pieces).collect();
        pieces.sort_unstable();
        pieces
    });
    LEFT.set(Some(0));
    action();
    LEFT.take().unwrap_or_default()
}

/// A key as it is, both of its blocks (RFC 2104), and the states of SHA-256 after these blocks,
/// with the words in either order of their bytes.
fn pieces(key: &str) -> Vec<u128> {
    let hashed = Sha256::digest(key);
    let short = if key.len() > 64 {
        &hashed[..]
    } else {
        key.as_bytes()
    };
    let mut kept = vec![key.as_bytes().to_vec(), short.to_vec()];
    for pad in [0x36, 0x5c] {
        let mut block = [pad; 64];
        for (byte, key) in block.iter_mut().zip(short) {
            *byte ^= key;
        }
        // FIPS 180-4, 5.3.3.
        let mut state = [
            0x6a09_e667,
            0xbb67_ae85,
            0x3c6e_f372,
            0xa54f_f53a,
            0x510e_527f,
            0x9b05_688c,
            0x1f83_d9ab,
            0x5be0_cd19,
        ];
        compress256(&mut state, slice::from_ref(&block));
        kept.push(block[..short.len()].to_vec());
        kept.push(state.iter().flat_map(|word| word.to_le_bytes()).collect());
        kept.push(state.iter().flat_map(|word| word.to_be_bytes()).collect());
    }
    let mut pieces = Vec::new();
    for bytes in kept {
        let (whole, _) = bytes.as_chunks::<16>();
        pieces.extend(whole.iter().map(|piece| u128::from_ne_bytes(*piece)));
    }
    pieces
}

fn keys(count: usize) -> Secrets {
    Secrets::any_of(KEYS[..count].iter().copied()).unwrap()
}

/// Otherwise the other tests would hold of a program that sees nothing.
#[test]
fn a_key_that_is_left_is_found() {
    for key in KEYS {
        let text = || drop(black_box(key.to_owned()));
        assert!(left_by(text) >= 1, "{key}");
        let keyed = || black_box(Box::new(Hmac::<Sha256>::new_from_slice(key.as_bytes())));
        let moved = || drop(black_box(*keyed()));
        // Two states of two pieces each; the rest of it may have taken over a block from the stack.
        assert!(left_by(moved) >= 4, "{key}");
        let wiped = || drop(keyed());
        assert_eq!(left_by(wiped), 0, "{key}");
    }
}

#[test]
fn no_key_is_left_by_a_change_of_secrets() {
    for (what, change) in [
        (
            "set",
            (|secrets| secrets.set(KEYS[5]).unwrap()) as fn(&Secrets),
        ),
        ("rotate", |secrets| {
            for key in KEYS.iter().chain(&KEYS) {
                secrets.rotate(*key, Secrets::KEEP_OLD_FOR).unwrap();
            }
        }),
        ("rotate to the newest", |secrets| {
            secrets.rotate(KEY, Secrets::KEEP_OLD_FOR).unwrap();
        }),
        ("expiry", |secrets| {
            secrets.rotate(KEYS[4], Duration::from_nanos(1)).unwrap();
            secrets.rotate(KEYS[5], Duration::from_nanos(1)).unwrap();
            let verdict = secrets.verify(BODY, &sign_with(KEY, BODY));
            assert_eq!(verdict, Err(VerifyError::Unproven));
        }),
        ("expect_rotation", |secrets| {
            secrets.expect_rotation(Duration::from_secs(60));
        }),
    ] {
        for count in 1..=4 {
            let changed = left_by(|| {
                let secrets = keys(count);
                change(&secrets);
                // A set that is still in use is freed later.
                let verifier = secrets.verifier(sign_with(KEY, BODY));
                change(&secrets);
                drop(secrets);
                drop(verifier);
            });
            assert_eq!(changed, 0, "{what} of {count}");
        }
    }
}

#[test]
fn no_key_is_left_by_a_constructor() {
    for count in 1..=4 {
        assert_eq!(left_by(|| drop(keys(count))), 0, "{count}");
        let owned = KEYS[..count].iter().map(|key| (*key).to_owned());
        let owned: Vec<String> = owned.collect();
        assert_eq!(left_by(|| drop(Secrets::any_of(owned))), 0, "{count}");
    }
    for key in KEYS {
        assert_eq!(left_by(|| drop(WebhookSecret::new(key))), 0, "{key}");
        let owned = key.to_owned();
        assert_eq!(left_by(|| drop(WebhookSecret::try_from(owned))), 0, "{key}");
        // Its owner's to wipe.
        let kept = key.to_owned();
        assert_eq!(left_by(|| drop(Secrets::new(&kept))), 0, "{key}");
        let boxed = || drop(Box::new(WebhookSecret::new(key)).clone());
        assert_eq!(left_by(boxed), 0, "{key}");
    }
}

/// The first error ends nothing: what stands behind it is a secret as well.
#[test]
fn no_key_is_left_by_a_constructor_that_fails() {
    for at in 0..4 {
        let mut owned: Vec<String> = KEYS[..4].iter().map(|key| (*key).to_owned()).collect();
        owned[at].push(' ');
        let failed = || {
            let why = Secrets::any_of(owned).err();
            assert_eq!(why, Some(InvalidSecret::SurroundingWhiteSpace));
        };
        assert_eq!(left_by(failed), 0, "{at}");
    }
    let five: Vec<String> = KEYS[..5].iter().map(|key| (*key).to_owned()).collect();
    let failed = || assert_eq!(Secrets::any_of(five).err(), Some(InvalidSecret::TooMany));
    assert_eq!(left_by(failed), 0);
}

const VARIABLE: &str = "TOWER_NYLAS_TEST_WIPED";

/// Runs one test of this program again with the variable set, since a process must not change its
/// environment while others of its threads may read it. Returns whether this is that process.
fn is_in_child(test: &str, value: OsString) -> bool {
    if env::var_os(VARIABLE).is_some() {
        return true;
    }
    let mut child = Command::new(env::current_exe().unwrap());
    let output = child.args(["--exact", test]).env(VARIABLE, value).output();
    let output = output.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains("1 passed"), "{printed}");
    false
}

#[test]
fn no_key_is_left_by_the_environment() {
    if is_in_child("no_key_is_left_by_the_environment", KEY.into()) {
        let read = || {
            assert!(Secrets::from_env(VARIABLE).is_ok());
            assert!(Secrets::from_env_or_pending(VARIABLE).is_ok());
        };
        assert_eq!(left_by(read), 0);
    }
}

#[cfg(unix)]
#[test]
fn no_key_is_left_by_an_environment_that_is_not_unicode() {
    use std::os::unix::ffi::OsStringExt;
    let value = OsString::from_vec([KEY.as_bytes(), b"\xff"].concat());
    if is_in_child(
        "no_key_is_left_by_an_environment_that_is_not_unicode",
        value,
    ) {
        let read = || {
            let why = Some(InvalidSecret::NotUnicode(VARIABLE.to_owned()));
            assert_eq!(Secrets::from_env(VARIABLE).err(), why);
            assert_eq!(Secrets::from_env_or_pending(VARIABLE).err(), why);
        };
        assert_eq!(left_by(read), 0);
    }
}

#[test]
fn no_key_is_left_by_a_check_on_plain_bytes() {
    for count in 1..=4 {
        let secrets = keys(count);
        for (signer, verdict) in [(KEY, Ok(())), (KEYS[5], Err(VerifyError::Mismatch))] {
            let signature = sign_with(signer, BODY);
            let whole = || assert_eq!(secrets.verify(BODY, &signature), verdict);
            assert_eq!(left_by(whole), 0, "{count}");
            let streamed = || {
                let mut verifier = Box::new(secrets.verifier(signature));
                verifier.update(&BODY[..7]);
                verifier.update(&BODY[7..]);
                assert_eq!(verifier.finish(), verdict);
            };
            assert_eq!(left_by(streamed), 0, "{count}");
            let abandoned = || secrets.verifier(signature).update(BODY);
            assert_eq!(left_by(abandoned), 0, "{count}");
        }
        assert_eq!(left_by(|| drop(secrets)), 0, "{count}");
    }
}

type Answer<R> = Pin<Box<dyn Future<Output = Result<Response<R>, Infallible>>>>;

/// Sends a body of these steps through a boxed future, and returns the status, or `None` if the
/// future was dropped before its end.
fn send<S, R>(layer: &S, signer: &str, steps: Vec<Step<Bytes>>, polls: usize) -> Option<u16>
where
    S: Service<Request<Scripted<Bytes>>, Response = Response<R>, Error = Infallible> + Clone,
    S::Future: 'static,
{
    let request = Request::post("/")
        .header("x-nylas-signature", sign_with(signer, BODY).to_hex())
        .body(Scripted::new(steps))
        .unwrap();
    let mut answer: Answer<R> = Box::pin(layer.clone().call(request));
    for _ in 0..polls {
        let polled = answer
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(Ok(response)) = polled {
            return Some(response.status().as_u16());
        }
    }
    None
}

/// In one frame, in several, and in several between which the future waits.
fn ways() -> [Vec<Step<Bytes>>; 3] {
    let frame = |range| Step::Data(Bytes::from_static(&BODY[range]));
    let frames = || [0..9, 9..70, 70..BODY.len()].map(frame);
    let waiting = frames().into_iter().flat_map(|frame| [frame, Step::Later]);
    [
        vec![frame(0..BODY.len())],
        frames().into(),
        waiting.collect(),
    ]
}

/// What the layer does with the body of each of these requests.
fn assert_nothing_left<S, R>(layer: impl Fn(Secrets) -> S)
where
    S: Service<Request<Scripted<Bytes>>, Response = Response<R>, Error = Infallible> + Clone,
    S::Future: 'static,
{
    for count in 1..=4 {
        for (way, steps) in ways().into_iter().enumerate() {
            let what = format!("way {way}, {count} secrets");
            for (signer, status) in [(KEY, 200), (KEYS[5], 503)] {
                let service = layer(keys(count));
                let all = || assert_eq!(send(&service, signer, steps.clone(), 9), Some(status));
                assert_eq!(left_by(all), 0, "{what}");
                assert_eq!(left_by(|| drop(service)), 0, "{what}");
            }
            // Half-way: it waits once more before its end.
            let mut cut = steps.clone();
            cut.insert(steps.len() - 1, Step::Stuck);
            let service = layer(keys(count));
            let half = || assert_eq!(send(&service, KEY, cut, 9), None);
            assert_eq!(left_by(half), 0, "{what}");
            // The secrets are exchanged while the body arrives.
            let secrets = keys(count);
            let service = layer(secrets.clone());
            let exchanged = || {
                let rotated = Scripted::new(steps).on_poll(move |_| {
                    secrets.rotate(KEYS[5], Secrets::KEEP_OLD_FOR).unwrap();
                    secrets.expect_rotation(Duration::from_secs(60));
                });
                let request = Request::post("/")
                    .header("x-nylas-signature", sign_with(KEY, BODY).to_hex())
                    .body(rotated);
                let mut answer: Answer<R> = Box::pin(service.clone().call(request.unwrap()));
                let mut context = Context::from_waker(Waker::noop());
                let answered = (0..9).any(|_| answer.as_mut().poll(&mut context).is_ready());
                assert!(answered);
            };
            assert_eq!(left_by(exchanged), 0, "{what}");
        }
    }
}

#[test]
fn no_key_is_left_by_the_layers() {
    let inner = || {
        service_fn(async |_: Request<VerifiedBody>| {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        })
    };
    assert_nothing_left(|secrets| {
        VerifySignatureLayer::with_timer(secrets, VirtualClock::new()).layer(inner())
    });
    assert_nothing_left(|secrets| {
        WebhookLayer::with_timer(secrets, VirtualClock::new()).layer(inner())
    });
}
