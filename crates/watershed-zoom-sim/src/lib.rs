//! A simulated Zoom account: deterministic, with limits, scopes, faults and ground truth
