//! Sockets that a descriptor refers to and no table lists, with their protocols.

use std::collections::HashMap;

use crate::load::Capture;

/// Names of protocols (`struct proto` of the kernel), and the words for them.
const PROTOCOLS: &str = "
    AF_VSOCK=vsock ALG=alg AX25=ax25 BNEP=bnep CAIF=caif CAN_BCM=can-bcm CAN_ISOTP=can-isotp
    CAN_J1939=can-j1939 CAN_RAW=can-raw CMTP=cmtp DCCP=dccp DCCPv6=dccp HCI=hci HIDP=hidp ISO=iso
    IUCV=iucv KCM=kcm KEY=key L2CAP=l2cap L2TP/IP=l2tp L2TP/IPv6=l2tp LLC=llc MCTP=mctp MPTCP=mptcp
    MPTCPv6=mptcp NETLINK=netlink NFC=nfc PACKET=packet PHONET=phonet PING=icmp PINGv6=icmp
    PPPOE=pppoe PPPOL2TP=pppol2tp PPTP=pptp QIPCRTR=qipcrtr RAW=raw RAWv6=raw RDS=rds
    RFCOMM=rfcomm RXRPC=rxrpc SCO=sco SCTP=sctp SCTPv6=sctp SMC=smc SMC6=smc TCP=tcp TCPv6=tcp
    TIPC=tipc UDP=udp UDP-Lite=udplite UDPLITEv6=udplite UDPv6=udp UNIX=unix UNIX-STREAM=unix
    VSOCK=vsock X25=x25 XDP=xdp
";

/// The protocols of sockets in no table, by inode.
pub(super) fn protocols(capture: &Capture) -> HashMap<u64, &'static str> {
    let words: HashMap<&str, &'static str> = PROTOCOLS
        .split_ascii_whitespace()
        .filter_map(|pair| pair.split_once('='))
        .collect();
    let lines = capture
        .sources("unlisted-sockets")
        .flat_map(|raw| raw.bytes.split(|byte| *byte == b'\n'));
    lines
        .filter_map(|line| {
            // `INODE NAME`
            let (inode, name) = std::str::from_utf8(line).ok()?.split_once(' ')?;
            Some((inode.parse().ok()?, *words.get(name)?))
        })
        .collect()
}
