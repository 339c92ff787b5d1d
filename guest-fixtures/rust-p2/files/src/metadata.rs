//! What is known of a file: stat, times, identity; and the calls that only ask the system for something.

use support::{refused, refused_any};
use wasip2::clocks::wall_clock::Datetime;
use wasip2::filesystem::types::ErrorCode::{Invalid, NoEntry, NotDirectory, NotPermitted, Overflow};
use wasip2::filesystem::types::{Advice, Descriptor, DescriptorStat, DescriptorType, NewTimestamp};

use crate::tree::{self, FOLLOW, NO_FOLLOW, READ, WRITE};

pub fn advise_and_sync() {
    let base = tree::planted("advise-and-sync");
    let file = tree::open(&base, "f", READ | WRITE).unwrap();
    for advice in
        [Advice::Normal, Advice::Sequential, Advice::Random, Advice::WillNeed, Advice::DontNeed, Advice::NoReuse]
    {
        file.advise(0, 0, advice).unwrap();
        file.advise(5, 1 << 40, advice).unwrap();
    }
    refused(file.advise(0, 1 << 63, Advice::Normal), Invalid);
    file.write(b"x", 0).unwrap();
    for synced in [&file, &base, &tree::open(&base, "f", READ).unwrap()] {
        synced.sync_data().unwrap();
        synced.sync().unwrap();
    }
}

fn kind_and_size(stat: &DescriptorStat) -> (DescriptorType, u64, u64) {
    (stat.type_, stat.size, stat.link_count)
}

pub fn stat() {
    let base = tree::planted("stat");
    let file = tree::open(&base, "f", READ).unwrap();
    assert_eq!(kind_and_size(&file.stat().unwrap()), (DescriptorType::RegularFile, 10, 1));
    assert_eq!(kind_and_size(&base.stat_at(NO_FOLLOW, "f").unwrap()), (DescriptorType::RegularFile, 10, 1));
    assert_eq!(kind_and_size(&base.stat_at(FOLLOW, "lf").unwrap()), (DescriptorType::RegularFile, 10, 1));
    assert_eq!(kind_and_size(&base.stat_at(NO_FOLLOW, "dangling").unwrap()), (DescriptorType::SymbolicLink, 7, 1));
    assert_eq!(base.stat().unwrap().type_, DescriptorType::Directory);
    assert_eq!(base.get_type().unwrap(), DescriptorType::Directory);
    assert_eq!(file.get_type().unwrap(), DescriptorType::RegularFile);
    let stat = file.stat().unwrap();
    assert!(stat.data_access_timestamp.is_some() && stat.data_modification_timestamp.is_some());
    base.unlink_file_at("f").unwrap();
    assert_eq!(kind_and_size(&file.stat().unwrap()), (DescriptorType::RegularFile, 10, 0));
    assert_eq!(tree::content_of(&file), b"0123456789");
}

fn at(seconds: u64, nanoseconds: u32) -> NewTimestamp {
    NewTimestamp::Timestamp(Datetime { seconds, nanoseconds })
}

/// Seconds and nanoseconds of the last access and the last modification.
fn times(stat: DescriptorStat) -> [(u64, u32); 2] {
    [stat.data_access_timestamp, stat.data_modification_timestamp].map(|time| {
        let time = time.unwrap();
        (time.seconds, time.nanoseconds)
    })
}

pub fn set_times() {
    let base = tree::planted("set-times");
    let file = tree::open(&base, "f", READ | WRITE).unwrap();
    let times_of = |file: &Descriptor| times(file.stat().unwrap());
    file.set_times(at(1_000_000_000, 1000), at(1_000_000_001, 2000)).unwrap();
    assert_eq!(times_of(&file), [(1_000_000_000, 1000), (1_000_000_001, 2000)]);
    file.set_times(NewTimestamp::NoChange, at(5, 0)).unwrap();
    assert_eq!(times_of(&file), [(1_000_000_000, 1000), (5, 0)]);
    file.set_times(NewTimestamp::NoChange, NewTimestamp::NoChange).unwrap();
    assert_eq!(times_of(&file), [(1_000_000_000, 1000), (5, 0)]);
    file.set_times(at(0, 0), NewTimestamp::Now).unwrap();
    let [accessed, modified] = times_of(&file);
    assert!(accessed == (0, 0) && modified.0 > 1_000_000_001, "{modified:?}");
    // a descriptor opened for reading only, and a directory
    tree::open(&base, "f", READ).unwrap().set_times(at(7, 0), at(8, 0)).unwrap();
    assert_eq!(times_of(&file), [(7, 0), (8, 0)]);
    base.set_times(at(7, 0), at(8, 0)).unwrap();
    assert_eq!(times_of(&base), [(7, 0), (8, 0)]);
}

pub fn set_times_at() {
    let base = tree::planted("set-times-at");
    let times_at = |flags, path| times(base.stat_at(flags, path).unwrap());
    base.set_times_at(FOLLOW, "lf", at(7, 0), at(8, 0)).unwrap();
    assert_eq!(times_at(NO_FOLLOW, "f"), [(7, 0), (8, 0)]);
    assert_ne!(times_at(NO_FOLLOW, "lf")[1], (8, 0));
    base.set_times_at(NO_FOLLOW, "lf", at(9, 0), at(10, 0)).unwrap();
    assert_eq!(times_at(NO_FOLLOW, "lf")[1], (10, 0));
    assert_eq!(times_at(NO_FOLLOW, "f")[1], (8, 0));
    base.set_times_at(NO_FOLLOW, "dangling", at(9, 0), at(10, 0)).unwrap();
    base.set_times_at(NO_FOLLOW, "dir/", at(9, 0), at(10, 0)).unwrap();
    assert_eq!(times_at(NO_FOLLOW, "dir"), [(9, 0), (10, 0)]);
    for (flags, path, code) in [
        (FOLLOW, "dangling", NoEntry),
        (NO_FOLLOW, "nope", NoEntry),
        (NO_FOLLOW, "", NoEntry),
        (NO_FOLLOW, "f/", NotDirectory),
        (NO_FOLLOW, "..", NotPermitted),
        (NO_FOLLOW, "/f", NotPermitted),
        (NO_FOLLOW, "escd/x", NotPermitted),
        (FOLLOW, "esc", NotPermitted),
        (NO_FOLLOW, "a\0b", Invalid),
    ] {
        refused(base.set_times_at(flags, path, at(1, 0), at(1, 0)), code);
    }
}

pub fn times_out_of_range() {
    let base = tree::planted("times-out-of-range");
    let file = tree::open(&base, "f", READ | WRITE).unwrap();
    refused_any(file.set_times(NewTimestamp::NoChange, at(u64::MAX, 0)), &[Overflow, Invalid]);
    refused_any(base.set_times_at(NO_FOLLOW, "f", at(1 << 63, 0), NewTimestamp::NoChange), &[Overflow, Invalid]);
    // the reference carries what is no part of a second
    match file.set_times(NewTimestamp::NoChange, at(1, 2_000_000_007)) {
        Ok(()) => assert_eq!(times(file.stat().unwrap())[1], (3, 7)),
        Err(code) => assert_eq!(code, Invalid),
    }
}

pub fn same_object_and_hash() {
    let base = tree::planted("same-object-and-hash");
    let (file, again) = (tree::open(&base, "f", READ).unwrap(), tree::open(&base, "f", WRITE).unwrap());
    let inner = tree::open(&base, "dir/inner", READ).unwrap();
    assert!(file.is_same_object(&file) && file.is_same_object(&again));
    assert!(!file.is_same_object(&inner) && !file.is_same_object(&base));
    base.link_at(NO_FOLLOW, "f", &base, "hard").unwrap();
    let hash = |file: &Descriptor| {
        let value = file.metadata_hash().unwrap();
        (value.lower, value.upper)
    };
    let hash_at = |flags, path| {
        let value = base.metadata_hash_at(flags, path).unwrap();
        (value.lower, value.upper)
    };
    assert_eq!(hash(&file), hash(&again));
    assert_eq!(hash(&file), hash_at(NO_FOLLOW, "hard"));
    assert_eq!(hash(&file), hash_at(FOLLOW, "lf"));
    assert_ne!(hash(&file), hash_at(NO_FOLLOW, "lf"));
    assert_ne!(hash(&file), hash(&inner));
    assert_eq!(hash(&base), hash_at(NO_FOLLOW, "."));
    refused(base.metadata_hash_at(NO_FOLLOW, "nope"), NoEntry);
    refused(base.metadata_hash_at(NO_FOLLOW, "../f"), NotPermitted);
    refused(base.metadata_hash_at(NO_FOLLOW, "f/"), NotDirectory);
    // of what is not there any more
    base.unlink_file_at("f").unwrap();
    base.unlink_file_at("hard").unwrap();
    assert!(file.is_same_object(&again));
    assert_eq!(hash(&file), hash(&again));
}
