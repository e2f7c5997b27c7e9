//! The alert message: flatbuffers schema, encode and decode.
