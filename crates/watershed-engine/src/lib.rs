//! The shell: workers, transport, token, shutdown
