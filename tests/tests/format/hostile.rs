//! Files that request excessive resources: rejected quickly, naming the request.

use whotalks::load::{Loaded, load};
use whotalks_snapshot::wire::put_uint;
use whotalks_snapshot::{BlockKind, Codec, DamageKind, Limits};

use crate::evolution::Forge;
use crate::random::Random;

fn loaded(file: &[u8], limits: &Limits) -> Loaded {
    load(file, limits).unwrap()
}

#[track_caller]
fn reports(loaded: &Loaded, beginning: &str) {
    let said: Vec<_> = loaded.damages.iter().map(ToString::to_string).collect();
    assert!(
        said.iter().any(|line| line.starts_with(beginning)),
        "{beginning}: {said:?}"
    );
    assert!(said.len() < 20, "{said:?}");
}

fn zeros(bytes: usize) -> Vec<u8> {
    zstd::bulk::compress(&vec![0; bytes], 1).unwrap()
}

#[test]
fn a_gigabyte_in_one_block() {
    let bomb = zeros(1 << 30);
    assert!(bomb.len() < 60_000, "{}", bomb.len());
    for codec in [Codec::Zstd, Codec::Transposed] {
        let honest = Forge::new(1, 0)
            .host()
            .block(BlockKind::Users, codec, 1 << 30, &bomb)
            .end();
        let loaded = loaded(&honest, &Limits::default());
        reports(
            &loaded,
            "at byte 90: block 1 (users) asks for 1073741824 bytes, the limit is 16777216",
        );
        assert!(loaded.captures[0].end.is_some());
        let lying = Forge::new(1, 0)
            .host()
            .block(BlockKind::Users, codec, 4_000_000, &bomb)
            .end();
        let loaded = self::loaded(&lying, &Limits::default());
        reports(&loaded, "at byte 90: block 1 (users) does not decompress: ");
        assert!(loaded.captures[0].end.is_some());
    }
}

#[test]
fn a_gigabyte_in_many_blocks() {
    let bomb = zeros(16 << 20);
    let mut file = Forge::new(1, 0);
    file.host();
    for _ in 0..64 {
        file.block(BlockKind::Unknown(0x7000), Codec::Zstd, 16 << 20, &bomb);
    }
    let file = file.end();
    assert!(file.len() < 100_000, "{}", file.len());
    let mut limits = Limits::default();
    limits.expansion = 10;
    let refused = load(&file, &limits).unwrap();
    let said = refused.damages[0].to_string();
    assert!(
        said.contains(" (type 0x7000) asks for ") && said.contains(", the limit is 26"),
        "{said}"
    );
    assert_eq!(refused.damages.len(), 48, "256 MiB are let through");
    // Raised by the user.
    let all = load(&file, &limits.with_total_bytes(2 << 30)).unwrap();
    assert_eq!(all.damages, []);
}

/// Records of no bytes are all default: small in the file, large in memory.
#[test]
fn a_billion_records() {
    let bomb = zeros(16 << 20);
    let mut file = Forge::new(1, 0);
    file.host();
    for _ in 0..60 {
        file.block(BlockKind::Processes, Codec::Zstd, 16 << 20, &bomb);
    }
    let loaded = loaded(&file.end(), &Limits::default());
    assert!(loaded.captures[0].processes.is_empty());
    let said: Vec<_> = loaded.damages.iter().map(ToString::to_string).collect();
    assert!(
        said[0].starts_with("at byte 90: block 1 (processes) asks for "),
        "{said:?}"
    );
    // Rejected before any record is allocated: the requested data is not in the file.
    assert_eq!(said.len(), 60, "{said:?}");
    for damage in &loaded.damages {
        let DamageKind::Limit { asked, limit, .. } = damage.kind else {
            panic!("{damage}");
        };
        assert!(asked > limit && limit < 400 << 20, "{damage}");
    }
}

#[test]
fn absurd_numbers_in_records() {
    let mut random = Random(4);
    for value in [1 << 20, u64::from(u32::MAX), 1 << 40, u64::MAX] {
        let mut length = Vec::new();
        put_uint(value, &mut length);
        // As the length of a record, of its first text, and of anything after it.
        for lead in 0..40_u8 {
            let mut body = vec![0; usize::from(lead)];
            body.extend_from_slice(&length);
            body.extend(random.bytes(20));
            let mut payload = vec![u8::try_from(body.len()).unwrap()];
            payload.extend_from_slice(&body);
            for kind in [
                BlockKind::Host,
                BlockKind::End,
                BlockKind::Processes,
                BlockKind::Descriptors,
                BlockKind::DescriptorInfo,
                BlockKind::Waits,
                BlockKind::Namespaces,
                BlockKind::Raw,
                BlockKind::Users,
                BlockKind::Paths,
            ] {
                let file = Forge::new(1, 0)
                    .host()
                    .stored(kind, &payload)
                    .stored(kind, &body)
                    .end();
                let loaded = loaded(&file, &Limits::default());
                assert!(loaded.captures[0].host.is_some());
                whotalks::model::build(&[loaded]);
            }
        }
    }
}

/// Headers that each claim the rest of the file, and are each a place of damage.
#[test]
fn many_headers_that_lie() {
    let mut file = Forge::new(1, 0);
    file.host();
    for _ in 0..20_000 {
        file.stored(BlockKind::Users, b"");
        let at = file.bytes.len() - 40;
        file.bytes[at + 20..at + 24].copy_from_slice(&(12_u32 << 20).to_le_bytes());
        let checksum = crc32fast::hash(&file.bytes[at..at + 36]);
        file.bytes[at + 36..at + 40].copy_from_slice(&checksum.to_le_bytes());
    }
    file.bytes.resize(16 << 20, 0);
    let loaded = load(&file.bytes, &Limits::default()).unwrap();
    reports(&loaded, "at byte ");
    let said = loaded.damages.last().unwrap().to_string();
    assert!(
        said.ends_with(" places are damaged: the rest of the file is not read"),
        "{said}"
    );
}
