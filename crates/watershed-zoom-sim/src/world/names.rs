//! Words: names, departments, topics, sentences, and the odd characters that people type.

pub(super) const FIRST: [&str; 24] = [
    "Ada", "Grace", "Linus", "Mei", "Omar", "Priya", "Jürgen", "Søren", "Zoë", "Noah", "Ines",
    "Tomás", "Aiko", "Kofi", "Leila", "Ivan", "Chloé", "Dmitri", "Fatima", "Hugo", "Yuki", "Amara",
    "Björn", "Rosa",
];

pub(super) const LAST: [&str; 24] = [
    "Okafor",
    "Lindqvist",
    "Tanaka",
    "Meyer",
    "Rossi",
    "Novak",
    "Patel",
    "Garcia",
    "Dubois",
    "Kim",
    "Schmidt",
    "Haddad",
    "Jensen",
    "Moreau",
    "Silva",
    "Kowalski",
    "Nguyen",
    "Ferrari",
    "Ivanova",
    "Andersson",
    "Castillo",
    "Weber",
    "Mensah",
    "Sato",
];

pub(super) const DEPARTMENTS: [&str; 7] =
    ["Sales", "Engineering", "Finance", "People", "Legal", "Support", ""];

pub(super) const TOPICS: [&str; 14] = [
    "Weekly sync",
    "Quarterly review",
    "Design critique",
    "Customer call",
    "Interview",
    "1:1",
    "Roadmap",
    "Retrospective",
    "Incident review",
    "Budget planning",
    "Onboarding",
    "Demo day",
    "Board preparation",
    "Standup",
];

/// Names and topics that break what does not quote, escape or measure.
pub(super) const ODD: [&str; 8] = [
    "O'Brien & \"Sons\"",
    "🚀 Launch 🎉",
    "اجتماع الفريق",
    "<script>alert(1)</script>",
    "\u{1b}[31mred\u{1b}[0m",
    "Robert'); DROP TABLE users;--",
    "e\u{301}clair \u{202e}desrever",
    "../../etc/passwd | a\tb",
];

pub(super) const ROOMS: [&str; 5] = ["iPad", "Conference room", "Guest", "Zoom user", "Notes"];

pub(super) const TIMEZONES: [&str; 5] =
    ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC", "America/Sao_Paulo"];

/// Sentences of meetings. None holds `: `, so that no text looks like a speaker.
pub(super) const SENTENCES: [&str; 16] = [
    "Good morning, shall we begin?",
    "Yes.",
    "I will share my screen now.",
    "Can everybody hear me?",
    "The numbers look better than last month.",
    "Let us take that offline.",
    "Who owns this until Friday?",
    "We shipped it on Tuesday, 3 days late.",
    "Entschuldigung, ich war auf stumm.",
    "That is a good question.",
    "Next slide, please.",
    "Could you say that again?",
    "I agree with the first part & doubt the second.",
    "はい、わかりました。",
    "Let me check the ticket <1234>.",
    "Thank you all, see you next week.",
];
