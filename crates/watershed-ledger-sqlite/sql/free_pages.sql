-- Gives free pages back: more than a finished chunk frees (about four, and its keys as many).
PRAGMA incremental_vacuum(32);
