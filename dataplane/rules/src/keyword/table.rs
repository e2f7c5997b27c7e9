//! The keyword table: every keyword of Suricata 7.0.10, supported or not, one row each.
//!
//! A row is `Category "name" ["alias" …] "section of the manual"`, and for a supported keyword
//! `Form(function that applies it) "note"`. Names are those of `suricata --list-keywords`.

use super::{Category, Form, Keyword, Support};
use crate::lower::{
    buffer, bytes, content, event, flow, headers, inert, ip_proto, meta, packet, pcre, sticky,
    variables,
};

macro_rules! keywords {
    ($($category:ident $name:literal [$($alias:literal)*] $section:literal
       $($form:ident($apply:path) $note:literal)?;)*) => {
        &[$(Keyword {
            name: $name,
            aliases: &[$($alias),*],
            category: Category::$category,
            section: $section,
            support: keywords!(@support $($form $apply, $note)?),
        },)*]
    };
    (@support) => { None };
    (@support $form:ident $apply:path, $note:literal) => {
        Some(Support { form: Form::$form, apply: $apply, since: "0.1", note: $note })
    };
}

/// The table.
pub(super) static KEYWORDS: &[Keyword] = keywords! {
    Meta "classtype" [] "meta.html#classtype"
        Plain(meta::classtype) "an unknown one is a warning; of several the one with the highest priority counts";
    Meta "gid" [] "meta.html#gid-group-id"
        Plain(meta::gid) "1 where missing; the last of several counts";
    Meta "metadata" [] "meta.html#metadata"
        Plain(meta::metadata) "`key value, key value`; may be repeated";
    Meta "msg" [] "meta.html#msg-message"
        Quoted(meta::msg) "a backslash stands for the character after it";
    Meta "priority" [] "meta.html#priority"
        Plain(meta::priority) "1 (highest) to 255; the highest of several counts, before the one of the classtype";
    Meta "reference" [] "meta.html#reference"
        Plain(meta::reference) "`scheme,value`; an unknown scheme is a warning";
    Meta "rev" [] "meta.html#rev-revision" Plain(meta::rev) "1 to 4294967294; 0 where missing";
    Meta "sid" [] "meta.html#sid-signature-id" Plain(meta::sid) "1 to 4294967294; required";
    Meta "target" [] "meta.html#target"
        Plain(meta::target) "`src_ip` or `dest_ip`; kept as metadata `target`";
    Packet "decode-event" [] ""
        Plain(event::decode) "a name of `decoder-events.rules` without `decoder.`, such as `ipv4.pkt_too_small`; see [events](#events)";
    Packet "dsize" [] "payload-keywords.html#dsize"
        Plain(packet::dsize) "number test up to 65535; once per rule; `!n` needs a payload";
    Packet "engine-event" [] ""
        Plain(event::engine) "the same and stream events, with `decoder.` or `stream.`; see [events](#events)";
    Packet "fragbits" [] "header-keywords.html#fragbits-ip-fragmentation"
        Plain(headers::fragbits) "`[+*!]bits`, bits `M D R`, IPv4 only; see [IP and ICMP headers](#ip-and-icmp-headers)";
    Packet "fragoffset" [] "header-keywords.html#fragoffset"
        Plain(headers::fragoffset) "`n`, `<n`, `>n`; units of 8 bytes in IPv4, bytes in IPv6";
    Packet "geoip" [] "header-keywords.html#geoip";
    Packet "icmp_id" [] "header-keywords.html#icmp-id"
        Plain(headers::icmp_id) "`n` up to 65535; echo, timestamp, information and address mask; ICMPv6: echo";
    Packet "icmp_seq" [] "header-keywords.html#icmp-seq"
        Plain(headers::icmp_seq) "as `icmp_id`";
    Packet "icmpv4-csum" [] ""
        Plain(headers::icmpv4_csum) "`valid` or `invalid`";
    Packet "icmpv6-csum" [] ""
        Plain(headers::icmpv6_csum) "`valid` or `invalid`";
    Packet "icmpv6.mtu" [] "header-keywords.html#icmpv6mtu"
        Plain(headers::icmpv6_mtu) "number test up to 4294967295; Packet Too Big";
    Packet "icode" [] "header-keywords.html#icode" Plain(packet::icode) "number test up to 255";
    Packet "id" [] "header-keywords.html#id"
        Plain(headers::id) "`n` up to 65535; IPv4 only";
    Packet "ip_proto" [] "header-keywords.html#ip-proto"
        Loose(ip_proto::ip_proto) "`[!<>]name or number`, with `ip`, `ip4` or `ip6` in the header; see [IP protocols](#ip-protocols)";
    Packet "ipopts" [] "header-keywords.html#ipopts"
        Plain(headers::ipopts) "`rr lsrr eol nop ts sec esec ssrr satid`, or `any`; an option that is not sound is not there";
    Packet "iprep" [] "ip-reputation-rules.html#iprep";
    Packet "ipv4-csum" [] ""
        Plain(headers::ipv4_csum) "`valid` or `invalid`; see [checksums](#checksums)";
    Packet "itype" [] "header-keywords.html#itype" Plain(packet::itype) "number test up to 255";
    Packet "l3_proto" [] ""
        Plain(headers::l3_proto) "`ipv4` or `ipv6`";
    Packet "sameip" [] "header-keywords.html#sameip"
        Bare(headers::sameip) "source and destination are one address";
    Packet "stream-event" [] ""
        Plain(event::stream) "a name of `stream-events.rules` without `stream.`; see [events](#events)";
    Packet "stream_size" [] "flow-keywords.html#stream-size"
        Plain(flow::stream_size) "`client`, `server`, `both` or `either`, then `,comparison,number`; see above";
    Packet "tcp.ack" ["ack"] "header-keywords.html#ack"
        Plain(headers::ack) "`n` up to 4294967295";
    Packet "tcp.flags" ["flags"] "header-keywords.html#tcp-flags"
        Plain(packet::flags) "`[+*!]flags[,ignored]`, flags `F S R P A U E C 1 2 0`; see above";
    Packet "tcp.mss" [] "header-keywords.html#tcpmss"
        Plain(headers::mss) "number test up to 65535; no match without the option";
    Packet "tcp.seq" ["seq"] "header-keywords.html#seq"
        Plain(headers::seq) "`n` up to 4294967295";
    Packet "tcp.window" ["window"] "header-keywords.html#window"
        Plain(headers::window) "`n` or `!n` up to 65535, unscaled";
    Packet "tcpv4-csum" [] ""
        Plain(headers::tcpv4_csum) "`valid` or `invalid`";
    Packet "tcpv6-csum" [] ""
        Plain(headers::tcpv6_csum) "`valid` or `invalid`";
    Packet "tos" [] "header-keywords.html#tos"
        Loose(headers::tos) "`n` or `!n` up to 255, or `x` and hexadecimal digits; IPv4 only";
    Packet "ttl" [] "header-keywords.html#ttl" Plain(packet::ttl) "number test up to 255";
    Packet "udpv4-csum" [] ""
        Plain(headers::udpv4_csum) "`valid` or `invalid`";
    Packet "udpv6-csum" [] ""
        Plain(headers::udpv6_csum) "`valid` or `invalid`";
    Payload "asn1" [] "";
    Payload "base64_decode" [] "base64-keywords.html#base64-decode"
        Optional(buffer::base64_decode) "`bytes N, offset N, relative`, each optional; N up to 65535";
    Payload "bsize" [] "payload-keywords.html#bsize"
        Plain(buffer::bsize) "number test of the bytes of a sticky buffer or of `base64_data`";
    Payload "byte_extract" [] "payload-keywords.html#byte-extract"
        Plain(bytes::byte_extract) "`bytes, offset, name`, options `relative`, `multiplier N`, `big`, `little`, `string`, `hex`, `dec`, `oct`, `align 2` or `4`";
    Payload "byte_jump" [] "payload-keywords.html#byte-jump"
        Plain(bytes::byte_jump) "`bytes, offset`, options `relative`, `multiplier N`, `big`, `little`, `string`, `hex`, `dec`, `oct`, `align`, `from_beginning`, `from_end`, `post_offset N`, `bitmask N`";
    Payload "byte_math" [] "payload-keywords.html#byte-math"
        Plain(bytes::byte_math) "`bytes N, offset N, oper + - * / << >>, rvalue N, result name`, options `relative`, `endian`, `string`, `bitmask`";
    Payload "byte_test" [] "payload-keywords.html#byte-test"
        Plain(bytes::byte_test) "`bytes, [!]operator, value, offset`, operators `= < > <= >= & ^`, options `relative`, `big`, `little`, `string`, `hex`, `dec`, `oct`, `bitmask N`";
    Payload "content" [] "payload-keywords.html#content"
        Negatable(content::content) "text and `|hex|`; a backslash escapes itself, the quote, `;` and `:`";
    Payload "depth" [] "payload-keywords.html#depth"
        Plain(content::depth) "up to 65535, not less than the content";
    Payload "distance" [] "payload-keywords.html#distance"
        Plain(content::distance) "-1048576 to 1048576; not with `offset`, `depth`";
    Payload "endswith" [] "payload-keywords.html#endswith" Bare(content::endswith) "";
    Payload "fast_pattern" [] "prefilter-keywords.html#fast-pattern"
        Optional(content::fast_pattern) "plain, `only`, or `offset,length`; once per rule";
    Payload "ftpbounce" [] "ftp-keywords.html#ftpbounce";
    Payload "isdataat" [] "payload-keywords.html#isdataat"
        Plain(buffer::isdataat) "`[!]N`, options `relative`, `rawbytes`; N up to 65535 or a variable";
    Payload "nocase" [] "payload-keywords.html#nocase" Bare(content::nocase) "";
    Payload "offset" [] "payload-keywords.html#offset" Plain(content::offset) "up to 65535";
    Payload "pcre" [] "payload-keywords.html#pcre-perl-compatible-regular-expressions"
        Loose(pcre::pcre) "`/expression/flags`, flags `i s m x A E G R O B`";
    Payload "rawbytes" [] "payload-keywords.html#rawbytes" Bare(content::rawbytes) "no effect";
    Payload "rpc" [] "payload-keywords.html#rpc"
        Plain(buffer::rpc) "`program,version,procedure`, the last two may be `*`";
    Payload "startswith" [] "payload-keywords.html#startswith"
        Bare(content::startswith) "not with `offset`, `depth`, `distance`, `within`";
    Payload "uricontent" [] "http-keywords.html#uricontent";
    Payload "within" [] "payload-keywords.html#within"
        Plain(content::within) "up to 1048576, not less than the content; not with `offset`, `depth`";
    State "alert" [] "noalert.html"
        Bare(flow::alert) "a `pass` rule raises an alert too";
    State "bypass" [] "bypass-keyword.html"
        Bare(flow::bypass) "later packets of the flow are not inspected (`bypassed`)";
    State "config" [] "";
    State "datarep" [] "dataset-keywords.html#datarep";
    State "dataset" [] "dataset-keywords.html#dataset";
    State "detection_filter" [] "thresholding.html#detection-filter";
    State "filestore" [] "file-keywords.html#filestore";
    State "flow" [] "flow-keywords.html#flow"
        Plain(flow::flow) "words with commas between them, one of each kind; see above";
    State "flow.age" [] "flow-keywords.html#flow-age"
        Plain(flow::age) "number test of seconds, up to 4294967295";
    State "flowbits" [] "flow-keywords.html#flowbits"
        Plain(variables::flowbits) "`set`, `unset`, `toggle`, `isset`, `isnotset` and a name, or `noalert`; see above";
    State "flowint" [] "flow-keywords.html#flowint"
        Plain(variables::flowint) "`name,modifier,value`; see above";
    State "flowvar" [] "";
    State "hostbits" [] "";
    State "lua" ["luajit"] "rule-lua-scripting.html";
    State "nfq_set_mark" [] "";
    State "noalert" [] "noalert.html" Bare(flow::noalert) "";
    State "pktvar" [] "";
    State "prefilter" [] "prefilter-keywords.html#prefilter"
        Bare(inert::prefilter) "after a content as `fast_pattern`, else no effect";
    State "replace" [] "payload-keywords.html#replace"
        Quoted(inert::replace) "no effect: a passive sensor replaces nothing";
    State "requires" [] "meta-keywords.html#requires";
    State "tag" [] "";
    State "threshold" [] "thresholding.html#threshold";
    State "tls_store" ["tls.store"] "tls-keywords.html#tls-store";
    State "xbits" [] "xbits.html";
    Buffer "base64_data" [] "base64-keywords.html#base64-data"
        Bare(buffer::base64_data) "what `base64_decode` gives; without `fast_pattern`";
    Buffer "dcerpc.stub_data" ["dce_stub_data"] "";
    Buffer "dnp3.data" ["dnp3_data"] "dnp3-keywords.html#dnp3-data";
    Buffer "dns.query" ["dns_query"] "dns-keywords.html#dns-query";
    Buffer "file.data" ["file_data"] "file-keywords.html#file-data";
    Buffer "file.magic" [] "file-keywords.html#filemagic";
    Buffer "file.name" [] "file-keywords.html#filename";
    Buffer "frame" [] "";
    Buffer "http.accept" ["http_accept"] "http-keywords.html#http-accept";
    Buffer "http.accept_enc" ["http_accept_enc"] "http-keywords.html#http-accept-enc";
    Buffer "http.accept_lang" ["http_accept_lang"] "http-keywords.html#http-accept-lang";
    Buffer "http.connection" ["http_connection"] "http-keywords.html#http-connection";
    Buffer "http.content_len" ["http_content_len"] "http-keywords.html#http-content-len";
    Buffer "http.content_type" ["http_content_type"] "http-keywords.html#http-content-type";
    Buffer "http.cookie" [] "http-keywords.html#http-cookie";
    Buffer "http.header" [] "http-keywords.html#http-header-and-http-raw-header";
    Buffer "http.header.raw" [] "http-keywords.html#http-header-and-http-raw-header";
    Buffer "http.header_names" ["http_header_names"] "http-keywords.html#http-header-names";
    Buffer "http.host" [] "http-keywords.html#http-host-and-http-raw-host";
    Buffer "http.host.raw" [] "http-keywords.html#http-host-and-http-raw-host";
    Buffer "http.location" [] "http-keywords.html#http-location";
    Buffer "http.method" [] "http-keywords.html#http-method";
    Buffer "http.protocol" ["http_protocol"] "http-keywords.html#http-protocol";
    Buffer "http.referer" ["http_referer"] "http-keywords.html#http-referer";
    Buffer "http.request_body" [] "http-keywords.html#http-client-body";
    Buffer "http.request_header" [] "http-keywords.html#request_header";
    Buffer "http.request_line" ["http_request_line"] "http-keywords.html#http-request-line";
    Buffer "http.response_body" [] "http-keywords.html#http-server-body";
    Buffer "http.response_header" [] "http2-keywords.html#response_header";
    Buffer "http.response_line" ["http_response_line"] "http-keywords.html#http-response-line";
    Buffer "http.server" [] "http-keywords.html#http-server";
    Buffer "http.start" ["http_start"] "http-keywords.html#http-start";
    Buffer "http.stat_code" [] "http-keywords.html#http-stat-code";
    Buffer "http.stat_msg" [] "http-keywords.html#http-stat-msg";
    Buffer "http.uri" ["http.uri.normalized"] "http-keywords.html#http-uri-and-http-uri-raw";
    Buffer "http.uri.raw" [] "http-keywords.html#http-uri-and-http-raw-uri";
    Buffer "http.user_agent" [] "http-keywords.html#http-user-agent";
    Buffer "http2.header_name" [] "http2-keywords.html#header_name";
    Buffer "icmpv4.hdr" [] "header-keywords.html#icmpv4-hdr"
        Bare(sticky::icmpv4_hdr) "the 8 bytes of the ICMP header, and timestamps or router addresses after it";
    Buffer "icmpv6.hdr" [] "header-keywords.html#icmpv6hdr"
        Bare(sticky::icmpv6_hdr) "the 8 bytes of the ICMPv6 header";
    Buffer "ike.init_spi" [] "ike-keywords.html#ike-init_spi";
    Buffer "ike.key_exchange_payload" [] "ike-keywords.html#ike-key_exchange_payload";
    Buffer "ike.nonce_payload" [] "ike-keywords.html#ike-nonce_payload";
    Buffer "ike.resp_spi" [] "ike-keywords.html#ike-resp_spi";
    Buffer "ike.vendor" [] "ike-keywords.html#ike-vendor";
    Buffer "ip.dst" [] "ipaddr.html#ip-dst";
    Buffer "ip.src" [] "ipaddr.html#ip-src";
    Buffer "ipv4.hdr" [] "header-keywords.html#ipv4hdr"
        Bare(sticky::ipv4_hdr) "the IPv4 header with its options";
    Buffer "ipv6.hdr" [] "header-keywords.html#ipv6hdr"
        Bare(sticky::ipv6_hdr) "the IPv6 header with its extension headers; of a fragment, without the fragment header";
    Buffer "ja3.hash" ["ja3_hash"] "ja3-keywords.html#ja3-hash";
    Buffer "ja3.string" ["ja3_string"] "ja3-keywords.html#ja3-string";
    Buffer "ja3s.hash" [] "ja3-keywords.html#ja3s-hash";
    Buffer "ja3s.string" [] "ja3-keywords.html#ja3s-string";
    Buffer "ja4.hash" ["ja4_hash"] "ja4-keywords.html#ja4-hash";
    Buffer "krb5.cname" ["krb5_cname"] "kerberos-keywords.html#krb5-cname";
    Buffer "krb5.sname" ["krb5_sname"] "kerberos-keywords.html#krb5-sname";
    Buffer "mqtt.subscribe.topic" [] "mqtt-keywords.html#mqtt-subscribe-topic";
    Buffer "mqtt.unsubscribe.topic" [] "mqtt-keywords.html#mqtt-unsubscribe-topic";
    Buffer "pkt_data" [] ""
        Bare(sticky::pkt_data) "back to the payload after a sticky buffer";
    Buffer "quic.sni" [] "quic-keywords.html#quic-sni";
    Buffer "quic.ua" [] "quic-keywords.html#quic-ua";
    Buffer "quic.version" [] "quic-keywords.html#quic-version";
    Buffer "rfb.name" [] "rfb-keywords.html#rfb-name";
    Buffer "smb.named_pipe" ["smb_named_pipe"] "";
    Buffer "smb.ntlmssp_domain" [] "";
    Buffer "smb.ntlmssp_user" [] "";
    Buffer "smb.share" ["smb_share"] "";
    Buffer "snmp.community" [] "snmp-keywords.html#snmp-community";
    Buffer "snmp.usm" [] "";
    Buffer "ssh.hassh" ["ssh-hassh"] "ssh-keywords.html#hassh";
    Buffer "ssh.hassh.server" ["ssh-hassh-server"] "ssh-keywords.html#ssh.hassh.server";
    Buffer "ssh.hassh.server.string" ["ssh-hassh-server-string"] "ssh-keywords.html#ssh.hassh.server.string";
    Buffer "ssh.hassh.string" ["ssh-hassh-string"] "ssh-keywords.html#hassh.string";
    Buffer "ssh.proto" ["ssh_proto"] "ssh-keywords.html#ssh-proto";
    Buffer "ssh.software" ["ssh_software"] "ssh-keywords.html#ssh-software";
    Buffer "tcp.hdr" [] "header-keywords.html#tcphdr"
        Bare(sticky::tcp_hdr) "the TCP header with its options";
    Buffer "tls.cert_fingerprint" ["tls_cert_fingerprint"] "tls-keywords.html#tls-cert-fingerprint";
    Buffer "tls.cert_issuer" ["tls_cert_issuer"] "tls-keywords.html#tls-cert-issuer";
    Buffer "tls.cert_serial" ["tls_cert_serial"] "tls-keywords.html#tls-cert-serial";
    Buffer "tls.cert_subject" ["tls_cert_subject"] "tls-keywords.html#tls-cert-subject";
    Buffer "tls.certs" [] "tls-keywords.html#tls-certs";
    Buffer "tls.random" [] "tls-keywords.html#tls-random";
    Buffer "tls.random_bytes" [] "tls-keywords.html#tls-random-bytes";
    Buffer "tls.random_time" [] "tls-keywords.html#tls-random-time";
    Buffer "tls.sni" ["tls_sni"] "tls-keywords.html#tls-sni";
    Buffer "udp.hdr" [] "header-keywords.html#udphdr"
        Bare(sticky::udp_hdr) "the 8 bytes of the UDP header";
    Modifier "http_client_body" [] "http-keywords.html#http-client-body";
    Modifier "http_cookie" [] "http-keywords.html#http-cookie";
    Modifier "http_header" [] "http-keywords.html#http-header-and-http-raw-header";
    Modifier "http_host" [] "http-keywords.html#http-host-and-http-raw-host";
    Modifier "http_method" [] "http-keywords.html#http-method";
    Modifier "http_raw_header" [] "http-keywords.html#http-header-and-http-raw-header";
    Modifier "http_raw_host" [] "http-keywords.html#http-host-and-http-raw-host";
    Modifier "http_raw_uri" [] "http-keywords.html#http_uri-and-http_raw-uri";
    Modifier "http_server_body" [] "http-keywords.html#http-server-body";
    Modifier "http_stat_code" [] "http-keywords.html#http-stat-code";
    Modifier "http_stat_msg" [] "http-keywords.html#http-stat-msg";
    Modifier "http_uri" [] "http-keywords.html#http-uri-and-http-uri-raw";
    Modifier "http_user_agent" [] "http-keywords.html#http-user-agent";
    Transform "compress_whitespace" [] "transforms.html#compress-whitespace";
    Transform "dotprefix" [] "transforms.html#dotprefix";
    Transform "header_lowercase" [] "transforms.html#header_lowercase";
    Transform "pcrexform" [] "transforms.html#pcre-xform";
    Transform "strip_pseudo_headers" [] "transforms.html#strip_pseudo_headers";
    Transform "strip_whitespace" [] "transforms.html#strip-whitespace";
    Transform "to_lowercase" [] "transforms.html#to_lowercase";
    Transform "to_md5" [] "transforms.html#to-md5";
    Transform "to_sha1" [] "transforms.html#to-sha1";
    Transform "to_sha256" [] "transforms.html#to-sha256";
    Transform "to_uppercase" [] "transforms.html#to_uppercase";
    Transform "url_decode" [] "transforms.html#url-decode";
    Transform "xor" [] "transforms.html#xor";
    App "app-layer-event" [] "app-layer.html#app-layer-event";
    App "app-layer-protocol" [] "app-layer.html#app-layer-protocol";
    App "cip_service" [] "enip-keyword.html#enip-cip-keywords";
    App "dcerpc.iface" ["dce_iface"] "";
    App "dcerpc.opnum" ["dce_opnum"] "";
    App "dhcp.leasetime" [] "dhcp-keywords.html#dhcp-leasetime";
    App "dhcp.rebinding_time" [] "dhcp-keywords.html#dhcp-rebinding-time";
    App "dhcp.renewal_time" [] "dhcp-keywords.html#dhcp-renewal-time";
    App "dnp3_func" ["dnp3.func"] "dnp3-keywords.html#dnp3-func";
    App "dnp3_ind" ["dnp3.ind"] "dnp3-keywords.html#dnp3-ind";
    App "dnp3_obj" ["dnp3.obj"] "dnp3-keywords.html#dnp3-obj";
    App "dns.opcode" [] "";
    App "enip_command" [] "enip-keyword.html#enip-cip-keywords";
    App "fileext" [] "file-keywords.html#fileext";
    App "filemagic" [] "file-keywords.html#filemagic";
    App "filemd5" [] "file-keywords.html#filemd5";
    App "filename" [] "file-keywords.html#filename";
    App "filesha1" [] "file-keywords.html#filesha1";
    App "filesha256" [] "file-keywords.html#filesha256";
    App "filesize" [] "file-keywords.html#filesize";
    App "ftpdata_command" [] "ftp-keywords.html#ftpdata-command";
    App "http2.errorcode" [] "http2-keywords.html#errorcode";
    App "http2.frametype" [] "http2-keywords.html#frametype";
    App "http2.priority" [] "http2-keywords.html#priority";
    App "http2.settings" [] "http2-keywords.html#settings";
    App "http2.size_update" [] "http2-keywords.html#sizeupdate";
    App "http2.window" [] "http2-keywords.html#window";
    App "ike.chosen_sa_attribute" [] "ike-keywords.html#ike-chosen_sa_attribute";
    App "ike.exchtype" [] "ike-keywords.html#ike-exchtype";
    App "ike.key_exchange_payload_length" [] "ike-keywords.html#ike-key-exchange-payload-length";
    App "ike.nonce_payload_length" [] "ike-keywords.html#ike-nonce-payload-length";
    App "krb5.ticket_encryption" [] "kerberos-keywords.html#krb5-ticket-encryption";
    App "krb5_err_code" [] "kerberos-keywords.html#krb5-err-code";
    App "krb5_msg_type" [] "kerberos-keywords.html#krb5-msg-type";
    App "modbus" [] "modbus-keyword.html#modbus-keyword";
    App "mqtt.connack.session_present" [] "mqtt-keywords.html#mqtt-connack-session-present";
    App "mqtt.connect.clientid" [] "mqtt-keywords.html#mqtt-connect-clientid";
    App "mqtt.connect.flags" [] "mqtt-keywords.html#mqtt-connect-flags";
    App "mqtt.connect.password" [] "mqtt-keywords.html#mqtt-connect-password";
    App "mqtt.connect.username" [] "mqtt-keywords.html#mqtt-connect-username";
    App "mqtt.connect.willmessage" [] "mqtt-keywords.html#mqtt-connect-willmessage";
    App "mqtt.connect.willtopic" [] "mqtt-keywords.html#mqtt-connect-willtopic";
    App "mqtt.flags" [] "mqtt-keywords.html#mqtt-flags";
    App "mqtt.protocol_version" [] "mqtt-keywords.html#mqtt-protocol-version";
    App "mqtt.publish.message" [] "mqtt-keywords.html#mqtt-publish-message";
    App "mqtt.publish.topic" [] "mqtt-keywords.html#mqtt-publish-topic";
    App "mqtt.qos" [] "mqtt-keywords.html#mqtt-qos";
    App "mqtt.reason_code" ["mqtt.connack.return_code"] "mqtt-keywords.html#mqtt-reason-code";
    App "mqtt.type" [] "mqtt-keywords.html#mqtt-type";
    App "nfs.version" ["nfs_version"] "nfs-keywords.html#version";
    App "nfs_procedure" [] "nfs-keywords.html#procedure";
    App "quic.cyu.hash" [] "quic-cyu.html#quic-cyu-hash";
    App "quic.cyu.string" [] "quic-cyu.html#quic-cyu-string";
    App "rfb.secresult" [] "rfb-keywords.html#rfb-secresult";
    App "rfb.sectype" [] "rfb-keywords.html#rfb-sectype";
    App "sip.method" [] "sip-keywords.html#sip-method";
    App "sip.protocol" [] "sip-keywords.html#sip-protocol";
    App "sip.request_line" [] "sip-keywords.html#sip-request-line";
    App "sip.response_line" [] "sip-keywords.html#sip-response-line";
    App "sip.stat_code" [] "sip-keywords.html#sip-stat-code";
    App "sip.stat_msg" [] "sip-keywords.html#sip-stat-msg";
    App "sip.uri" [] "sip-keywords.html#sip-uri";
    App "snmp.pdu_type" [] "snmp-keywords.html#snmp-pdu-type";
    App "snmp.version" [] "snmp-keywords.html#snmp-version";
    App "ssh.protoversion" [] "ssh-keywords.html#ssh-protoversion";
    App "ssh.softwareversion" [] "ssh-keywords.html#ssh-softwareversion";
    App "ssl_state" [] "tls-keywords.html#ssl-state";
    App "ssl_version" [] "tls-keywords.html#ssl-version";
    App "template2" ["template"] "header-keywords.html#template2";
    App "tls.cert_chain_len" [] "tls-keywords.html#tls-cert-chain-len";
    App "tls.fingerprint" [] "tls-keywords.html#tls-fingerprint";
    App "tls.issuerdn" [] "tls-keywords.html#tls-issuerdn";
    App "tls.subject" [] "tls-keywords.html#tls-subject";
    App "tls.version" [] "tls-keywords.html#tls-version";
    App "tls_cert_expired" [] "tls-keywords.html#tls-cert-expired";
    App "tls_cert_notafter" [] "tls-keywords.html#tls-cert-notafter";
    App "tls_cert_notbefore" [] "tls-keywords.html#tls-cert-notbefore";
    App "tls_cert_valid" [] "tls-keywords.html#tls-cert-valid";
    App "urilen" [] "http-keywords.html#urilen";
};
