//! Header decode: link layer to transport, owner hash.
