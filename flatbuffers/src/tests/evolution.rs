//! Messages of other versions of the schema: what a later one appends does not change what is read.
//!
//! Earlier versions are read from the golden messages. A later one is built by hand, with fields beyond the
//! last that the schema has now.

use flatbuffers::{FlatBufferBuilder, VOffsetT, WIPOffset};

use crate::{Action, Batch, wire};

/// Bytes from one field to the next in a vtable.
const STEP: VOffsetT = 2;
/// The last field of each table. Where one is appended, it takes the first place beyond, as which a number is
/// written here: the test of what is read fails until the new field stands here.
const ALERT_LAST: VOffsetT = wire::Alert::VT_UNDECODED;
const SIGNATURE_LAST: VOffsetT = wire::Signature::VT_ACTION;
const BATCH_LAST: VOffsetT = wire::AlertBatch::VT_ALERTS;

/// A message of version 9: each table has a number, a text and a table more, and a rule an action more.
fn later_message() -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let text = builder.create_string("of a later version");
    let start = builder.start_table();
    builder.push_slot_always::<u64>(4, 99);
    let table = builder.end_table(start);

    let msg = builder.create_string("test");
    let start = builder.start_table();
    builder.push_slot_always::<u32>(wire::Signature::VT_SID, 2_019_401);
    builder.push_slot_always(wire::Signature::VT_MSG, msg);
    builder.push_slot_always::<u8>(wire::Signature::VT_ACTION, 77);
    more(&mut builder, SIGNATURE_LAST, text, table);
    let signature = builder.end_table(start);

    let source = builder.create_vector(&[192_u8, 0, 2, 1]);
    let destination = builder.create_vector(&[198_u8, 51, 100, 2]);
    let start = builder.start_table();
    builder.push_slot_always::<u16>(wire::Alert::VT_WORKER, 3);
    builder.push_slot_always::<u64>(wire::Alert::VT_SEQUENCE, 41);
    builder.push_slot_always(wire::Alert::VT_SIGNATURE, signature);
    builder.push_slot_always(wire::Alert::VT_SOURCE, source);
    builder.push_slot_always(wire::Alert::VT_DESTINATION, destination);
    builder.push_slot_always::<u16>(wire::Alert::VT_PORT, 7);
    more(&mut builder, ALERT_LAST, text, table);
    let alert = builder.end_table(start);

    let alerts = builder.create_vector(&[alert]);
    let boot = builder.create_string("b1");
    let start = builder.start_table();
    builder.push_slot_always::<u16>(wire::AlertBatch::VT_SCHEMA_VERSION, 9);
    builder.push_slot_always(wire::AlertBatch::VT_BOOT, boot);
    builder.push_slot_always(wire::AlertBatch::VT_ALERTS, alerts);
    more(&mut builder, BATCH_LAST, text, table);
    let batch = builder.end_table(start);
    builder.finish(batch, Some(wire::ALERT_BATCH_IDENTIFIER));
    builder.finished_data().to_vec()
}

/// Fields behind the one at `last`: a number, a text, a table.
fn more<'a, T>(
    builder: &mut FlatBufferBuilder<'a>,
    last: VOffsetT,
    text: WIPOffset<&'a str>,
    table: WIPOffset<T>,
) {
    builder.push_slot_always::<u64>(last + STEP, u64::MAX);
    builder.push_slot_always(last + 2 * STEP, text);
    builder.push_slot_always(last + 3 * STEP, table);
}

#[test]
fn a_message_of_a_later_version_is_read_as_far_as_it_is_known() {
    let bytes = later_message();
    let batch = Batch::decode(&bytes).expect("a message of a later version");
    assert_eq!((batch.head().schema_version, batch.head().boot, batch.len()), (9, "b1", 1));
    let alert = batch.alerts().next().expect("an alert").expect("one that can be read");
    assert_eq!((alert.header.worker, alert.header.sequence, alert.packet.port), (3, 41, 7));
    assert_eq!(alert.tuple.map(|tuple| tuple.source), Some(std::net::IpAddr::from([192, 0, 2, 1])));
    let rule = alert.signature;
    assert_eq!((rule.gid, rule.sid, rule.msg, rule.severity), (1, 2_019_401, "test", 3));
    assert_eq!(rule.action, Action(77), "an action that is not known yet is handed on");
    assert_eq!(alert.in_iface, "");
}
