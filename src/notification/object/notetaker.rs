//! Notetakers: bots that join a call, record it and write it up.

use super::open_enum::open_enum;
use super::open_struct;
use super::{List, NumberOrString};

open_struct! {
    /// A notetaker, in `notetaker.created`, `.updated`, `.deleted`, `.meeting_state` and `.media`.
    ///
    /// A deleted one has no more than `id`, `grant_id`, `object` and `event`. One that stands alone
    /// has no grant, and an ad-hoc meeting has no `join_time` and no event ids.
    ///
    /// Source: [Notetaker](https://developer.nylas.com/docs/reference/notifications/notetaker/).
    pub struct Notetaker {
        /// Id of the notetaker.
        pub id: String,
        /// The grant that it belongs to; a standalone notetaker has none.
        pub grant_id: Option<String>,
        /// Always `notetaker`.
        pub object: Option<String>,
        /// Who hosts the call.
        pub meeting_provider: Option<MeetingProvider>,
        /// The link to the call.
        pub meeting_link: Option<String>,
        /// When it joins, **in seconds or in milliseconds**: Nylas' documents differ. Use
        /// [`join_time_seconds`](Self::join_time_seconds).
        pub join_time: Option<i64>,
        /// The event whose call it joins.
        pub event: Option<NotetakerEvent>,
        /// What it does in the call and makes of it.
        pub meeting_settings: Option<MeetingSettings>,
        /// How far it is.
        pub state: Option<NotetakerState>,
        /// The same as `state`.
        pub status: Option<NotetakerState>,
        /// How the call is going or why it ended, only in `notetaker.meeting_state`, where it may
        /// still be missing.
        pub meeting_state: Option<MeetingState>,
        /// The results, only in `notetaker.media` and only while they are available.
        pub media: Option<Media>,
    }
}

impl Notetaker {
    /// When it joins, in Unix seconds, whichever unit Nylas sent.
    ///
    /// A value over 10^11 is taken for milliseconds: in seconds, that is the year 5138.
    pub fn join_time_seconds(&self) -> Option<i64> {
        const LARGEST_SECONDS: i64 = 100_000_000_000;
        self.join_time.map(|time| {
            if time > LARGEST_SECONDS {
                time / 1000
            } else {
                time
            }
        })
    }
}

open_struct! {
    /// The event whose call a notetaker joins.
    pub struct NotetakerEvent {
        /// Id of the event.
        pub event_id: Option<String>,
        /// The series it is an occurrence of.
        pub master_event_id: Option<String>,
        /// iCalendar UID.
        pub ical_uid: Option<String>,
    }
}

open_struct! {
    /// What a notetaker does in a call and makes of it.
    pub struct MeetingSettings {
        /// Whether it records the picture.
        pub video_recording: Option<bool>,
        /// Whether it records the sound.
        pub audio_recording: Option<bool>,
        /// Whether it writes a transcript.
        pub transcription: Option<bool>,
        /// How it writes the transcript.
        pub transcription_settings: Option<TranscriptionSettings>,
        /// Whether it writes a summary.
        pub summary: Option<bool>,
        /// How it writes the summary.
        pub summary_settings: Option<Instructions>,
        /// Whether it lists action items.
        pub action_items: Option<bool>,
        /// How it lists action items.
        pub action_items_settings: Option<Instructions>,
        /// After how many seconds of silence it leaves.
        pub leave_after_silence_seconds: Option<i64>,
        /// How it avoids joining a call twice, only in `notetaker.created`.
        pub deduplication_settings: Option<DeduplicationSettings>,
        /// What it says in the call's chat.
        pub messages: Option<ChatMessages>,
    }
}

open_struct! {
    /// What the user asks of a text that the notetaker writes.
    pub struct Instructions {
        /// The user's own words.
        pub custom_instructions: Option<String>,
    }
}

open_struct! {
    /// How the transcript is written.
    pub struct TranscriptionSettings {
        /// Languages to expect.
        pub expected_languages: List<String>,
        /// Language to assume when in doubt.
        pub fallback_language: Option<String>,
    }
}

open_struct! {
    /// How a notetaker avoids joining a call twice.
    pub struct DeduplicationSettings {
        /// Among which notetakers, such as `workspace`.
        pub scope: Option<String>,
        /// What two notetakers have in common, possibly an empty text.
        pub key: Option<String>,
        /// Id of the workspace.
        pub workspace_id: Option<String>,
    }
}

open_struct! {
    /// What a notetaker says in the call's chat.
    pub struct ChatMessages {
        /// When it joins.
        pub on_join: List<ChatMessage>,
        /// When another participant joins.
        pub on_participant_join: List<ChatMessage>,
    }
}

open_struct! {
    /// One thing that a notetaker says in the call's chat.
    pub struct ChatMessage {
        /// What kind of message, such as `text`.
        pub r#type: Option<String>,
        /// The words.
        pub content: Option<String>,
        /// How long it waits after joining, in milliseconds; only in `on_join`.
        pub send_after_ms: Option<i64>,
        /// How long it waits for more participants, in milliseconds; only in `on_participant_join`.
        pub debounce_ms: Option<i64>,
    }
}

open_struct! {
    /// What a notetaker made of a call. Every link is signed and expires; every field may be
    /// missing.
    pub struct Media {
        /// Link to the recording.
        pub recording: Option<String>,
        /// Length of the recording in seconds, documented as text.
        pub recording_duration: Option<NumberOrString>,
        /// Format of the recording, `mp4` or `mp3`.
        pub recording_file_format: Option<String>,
        /// Link to a picture.
        pub thumbnail: Option<String>,
        /// Link to the transcript.
        pub transcript: Option<String>,
        /// Link to the summary.
        pub summary: Option<String>,
        /// Link to the action items.
        pub action_items: Option<String>,
        /// When Nylas deletes all of it, in Unix seconds. A last `notetaker.media` then says
        /// `media_deleted`.
        pub retained_until: Option<i64>,
    }
}

open_enum! {
    /// Who hosts a call.
    pub enum MeetingProvider {
        GoogleMeet = "Google Meet",
        Zoom = "Zoom",
        MicrosoftTeams = "Microsoft Teams",
    }
}

open_enum! {
    /// How far a notetaker is.
    pub enum NotetakerState {
        Scheduled = "scheduled",
        Connecting = "connecting",
        /// Older notifications.
        WaitingForEntry = "waiting_for_entry",
        Attending = "attending",
        Disconnected = "disconnected",
        FailedEntry = "failed_entry",
        /// The media are being made.
        Processing = "processing",
        /// The media can be fetched.
        Available = "available",
        MediaDeleted = "media_deleted",
        MediaError = "media_error",
        /// The media are deleted, in older notifications.
        Deleted = "deleted",
        /// The media failed, in older notifications.
        Error = "error",
    }
}

open_enum! {
    /// How a call is going for a notetaker, or why it is over.
    pub enum MeetingState {
        /// Older notifications.
        Dispatched = "dispatched",
        WaitingForEntry = "waiting_for_entry",
        RecordingActive = "recording_active",
        MeetingEnded = "meeting_ended",
        Kicked = "kicked",
        NoActivity = "no_activity",
        /// Older notifications.
        NoMeetingActivity = "no_meeting_activity",
        NoParticipants = "no_participants",
        ApiRequest = "api_request",
        NetworkError = "network_error",
        Cancelled = "cancelled",
        Unknown = "unknown",
        Error = "error",
        InternalError = "internal_error",
        BadMeetingCode = "bad_meeting_code",
        BadMeetingLink = "bad_meeting_link",
        SignInRequired = "sign_in_required",
        EntryDenied = "entry_denied",
        NoResponse = "no_response",
        CannotJoin = "cannot_join",
        MeetingCapacityReached = "meeting_capacity_reached",
        AdmissionTimeout = "admission_timeout",
    }
}
