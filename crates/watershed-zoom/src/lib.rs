//! What is known of the Zoom API: catalogue, requests, answers, limits. No I/O
