#!/usr/bin/env python3
"""Prints the alerts that sensors publish on NATS, one JSON object a line, each alert once.

It reads the sensor's stream by a consumer of JetStream: one without a name, or with --durable one that
the server remembers, and which goes on behind what was acknowledged. A batch is acknowledged when all its
alerts are printed.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python tail.py --server nats://127.0.0.1:4222 --durable my-consumer
"""

import argparse
import asyncio
import collections
import ipaddress
import json
import signal
import sys

import nats
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from alert_generated import AlertBatch

# Longest message of the sensor.
BATCH_BYTES_MAX = 256 * 1024
# Bytes of a message that its smallest alert takes.
ALERT_BYTES_MIN = 32
# Characters that the alerts of a message may have together: alerts can share text, so that a hostile
# message could unfold to far more than its own size.
TEXT_MAX = 1 << 25
# Ids that are remembered. What is repeated after more than so many other alerts is printed again.
IDS_MAX = 200_000
# Seconds that a request for messages waits at the server.
FETCH_TIMEOUT = 1.0


class NoAlerts(ValueError):
    """The bytes are no message of alerts."""


class Seen:
    """The ids of the last alerts, within bounded memory."""

    def __init__(self, ids_max=IDS_MAX):
        self._ids = collections.OrderedDict()
        self._ids_max = ids_max

    def is_new(self, id_):
        """Notes an id; whether it is there for the first time."""
        if id_ in self._ids:
            return False
        self._ids[id_] = None
        if len(self._ids) > self._ids_max:
            self._ids.popitem(last=False)
        return True


def text(value):
    """A string of the message; empty where it is absent."""
    return "" if value is None else value.decode("utf-8", "replace")


def address(length, byte):
    """An address of 4 or 16 bytes."""
    if length not in (4, 16):
        raise NoAlerts(f"an address of {length} bytes")
    return str(ipaddress.ip_address(bytes(byte(i) for i in range(length))))


def event(batch, alert):
    """One alert as a dictionary."""
    signature, flow = alert.Signature(), alert.Flow()
    # A packet that could not be decoded has no addresses, though there is something in their place.
    decoded = not alert.Undecoded()
    sensor, boot = text(batch.Sensor()), text(batch.Boot())
    return {
        "id": f"{sensor}.{boot}.{alert.Worker()}.{alert.Sequence()}",
        "site": text(batch.Site()),
        "sensor": sensor,
        "packet_ns": alert.PacketNs(),
        "gid": signature.Gid(),
        "sid": signature.Sid(),
        "rev": signature.Rev(),
        "msg": text(signature.Msg()),
        "category": text(signature.Category()),
        "severity": signature.Severity(),
        "protocol": alert.Protocol() if decoded else None,
        "source": address(alert.SourceLength(), alert.Source) if decoded else None,
        "source_port": alert.SourcePort() if decoded else None,
        "destination": address(alert.DestinationLength(), alert.Destination) if decoded else None,
        "destination_port": alert.DestinationPort() if decoded else None,
        "community_id": text(alert.CommunityId()),
        "flow_id": flow.Id() if flow else 0,
    }


def decode(data):
    """The alerts of a message, as pairs of id and dictionary.

    Python's flatbuffers has no verifier: what it reads out of bounds raises an exception, which one
    depends on the place. All of the message is read before any of it is believed.
    """
    if len(data) > BATCH_BYTES_MAX:
        raise NoAlerts(f"{len(data)} bytes are more than a message may have")
    if len(data) < 8 or not AlertBatch.AlertBatchBufferHasIdentifier(data, 0):
        raise NoAlerts("the file identifier is not SGA1")
    try:
        batch = AlertBatch.GetRootAs(data, 0)
        count = batch.AlertsLength()
        # More cannot be true, and would keep the loop busy.
        if count > len(data) // ALERT_BYTES_MIN:
            raise NoAlerts(f"{count} alerts in {len(data)} bytes")
        events, characters = [], 0
        for index in range(count):
            events.append(event(batch, batch.Alerts(index)))
            characters += sum(len(value) for value in events[-1].values() if isinstance(value, str))
            if characters > TEXT_MAX:
                raise NoAlerts(f"more than {TEXT_MAX} characters of text")
        return events
    except NoAlerts:
        raise
    except Exception as error:  # pylint: disable=broad-except
        raise NoAlerts(f"not a valid flatbuffer: {error!r}") from error


async def acknowledge(message, durable, readable):
    """Tells the server that a message is done; only a durable consumer waits for it."""
    if durable:
        await (message.ack() if readable else message.term())


async def follow(args, stop):
    """Reads until the count is reached or `stop` is set."""
    client = await nats.connect(args.server, name="tail.py", connect_timeout=5)
    config = ConsumerConfig(
        durable_name=args.durable,
        deliver_policy=DeliverPolicy.ALL if args.start == "all" else DeliverPolicy.NEW,
        ack_policy=AckPolicy.EXPLICIT if args.durable else AckPolicy.NONE,
    )
    subscription = await client.jetstream().pull_subscribe(
        "sensor.*.*.alert.*", durable=args.durable, stream=args.stream, config=config
    )
    print("listening", file=sys.stderr, flush=True)
    seen, printed = Seen(), 0
    while not stop.is_set() and (args.count is None or printed < args.count):
        try:
            messages = await subscription.fetch(1, timeout=FETCH_TIMEOUT)
        except nats.errors.TimeoutError:
            if args.no_follow:
                break
            continue
        for message in messages:
            try:
                events = decode(message.data)
            except NoAlerts as error:
                print(f"{message.subject}: {error}", file=sys.stderr)
                await acknowledge(message, args.durable, readable=False)
                continue
            for one in events:
                if seen.is_new((one["site"], one["id"])):
                    print(json.dumps(one, ensure_ascii=False))
                    printed += 1
            sys.stdout.flush()
            await acknowledge(message, args.durable, readable=True)
    # Acknowledgements are only queued until then. drain() could wait for 30 s: a request for messages that
    # has timed out leaves what it waits for.
    await client.flush()
    await client.close()


async def main():
    """The command line, and the signals that end the program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default="nats://127.0.0.1:4222")
    parser.add_argument("--stream", default="SENSOR_ALERTS", help="nats.stream.name of the sensor")
    parser.add_argument("--durable", help="name of a durable consumer, made where it is absent")
    parser.add_argument("--from", dest="start", choices=["new", "all"], default="new")
    parser.add_argument("--count", type=int, help="end with the batch that brings the COUNTth alert")
    parser.add_argument("--no-follow", action="store_true", help="end when the stream has no more")
    args = parser.parse_args()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await follow(args, stop)


if __name__ == "__main__":
    asyncio.run(main())
