//! What is known of a file: stat, times, identity; and the calls that only ask the system for something.

use support::Checked;

use crate::bindings::wasi::clocks::system_clock::Instant;
use crate::node::ErrorCode::{Invalid, NoEntry, NotDirectory, NotPermitted, Overflow};
use crate::node::{Advice, DescriptorStat, DescriptorType, NewTimestamp, differ, equal, holds, refused, refused_any};
use crate::tree::{self, FOLLOW, NO_FOLLOW, READ, WRITE};

pub async fn advise_and_sync() -> Checked {
    let base = tree::planted("advise-and-sync").await?;
    let file = tree::open(&base, "f", READ | WRITE).await?;
    for advice in
        [Advice::Normal, Advice::Sequential, Advice::Random, Advice::WillNeed, Advice::DontNeed, Advice::NoReuse]
    {
        file.advise(0, 0, advice).await?;
        file.advise(5, 1 << 40, advice).await?;
    }
    refused(file.advise(0, 1 << 63, Advice::Normal).await, Invalid)?;
    tree::write(&file, b"x", 0).await?;
    for synced in [&file, &base, &tree::open(&base, "f", READ).await?] {
        synced.sync_data().await?;
        synced.sync().await?;
    }
    Ok(())
}

fn kind_and_size(stat: &DescriptorStat) -> (DescriptorType, u64, u64) {
    (stat.type_.clone(), stat.size, stat.link_count)
}

pub async fn stat() -> Checked {
    let base = tree::planted("stat").await?;
    let file = tree::open(&base, "f", READ).await?;
    equal(kind_and_size(&file.stat().await?), (DescriptorType::RegularFile, 10, 1))?;
    equal(kind_and_size(&base.stat_at(NO_FOLLOW, "f").await?), (DescriptorType::RegularFile, 10, 1))?;
    equal(kind_and_size(&base.stat_at(FOLLOW, "lf").await?), (DescriptorType::RegularFile, 10, 1))?;
    equal(kind_and_size(&base.stat_at(NO_FOLLOW, "dangling").await?), (DescriptorType::SymbolicLink, 7, 1))?;
    equal(base.stat().await?.type_, DescriptorType::Directory)?;
    equal(base.get_type().await?, DescriptorType::Directory)?;
    equal(file.get_type().await?, DescriptorType::RegularFile)?;
    let stat = file.stat().await?;
    holds(stat.data_access_timestamp.is_some() && stat.data_modification_timestamp.is_some())?;
    base.unlink_file_at("f").await?;
    equal(kind_and_size(&file.stat().await?), (DescriptorType::RegularFile, 10, 0))?;
    let (content, outcome) = tree::read(&file, 0).await;
    outcome?;
    equal(content, b"0123456789")
}

fn at(seconds: i64, nanoseconds: u32) -> NewTimestamp {
    NewTimestamp::Timestamp(Instant { seconds, nanoseconds })
}

/// Seconds and nanoseconds of the last access and the last modification.
fn times(stat: DescriptorStat) -> [Option<(i64, u32)>; 2] {
    [stat.data_access_timestamp, stat.data_modification_timestamp].map(|time| {
        let time = time?;
        Some((time.seconds, time.nanoseconds))
    })
}

pub async fn set_times() -> Checked {
    let base = tree::planted("set-times").await?;
    let file = tree::open(&base, "f", READ | WRITE).await?;
    file.set_times(at(1_000_000_000, 1000), at(1_000_000_001, 2000)).await?;
    equal(times(file.stat().await?), [(1_000_000_000, 1000), (1_000_000_001, 2000)].map(Some))?;
    file.set_times(NewTimestamp::NoChange, at(5, 0)).await?;
    equal(times(file.stat().await?), [(1_000_000_000, 1000), (5, 0)].map(Some))?;
    file.set_times(NewTimestamp::NoChange, NewTimestamp::NoChange).await?;
    equal(times(file.stat().await?), [(1_000_000_000, 1000), (5, 0)].map(Some))?;
    file.set_times(at(0, 0), NewTimestamp::Now).await?;
    let [accessed, modified] = times(file.stat().await?);
    equal(accessed, Some((0, 0)))?;
    holds(modified > Some((1_000_000_001, 0)))?;
    // before 1970
    file.set_times(at(-5, 1000), at(-1, 999_999_000)).await?;
    equal(times(file.stat().await?), [(-5, 1000), (-1, 999_999_000)].map(Some))?;
    // a descriptor opened for reading only, and a directory
    tree::open(&base, "f", READ).await?.set_times(at(7, 0), at(8, 0)).await?;
    equal(times(file.stat().await?), [(7, 0), (8, 0)].map(Some))?;
    base.set_times(at(7, 0), at(8, 0)).await?;
    equal(times(base.stat().await?), [(7, 0), (8, 0)].map(Some))
}

pub async fn set_times_at() -> Checked {
    let base = tree::planted("set-times-at").await?;
    base.set_times_at(FOLLOW, "lf", at(7, 0), at(8, 0)).await?;
    equal(times(base.stat_at(NO_FOLLOW, "f").await?), [(7, 0), (8, 0)].map(Some))?;
    differ(times(base.stat_at(NO_FOLLOW, "lf").await?)[1], Some((8, 0)))?;
    base.set_times_at(NO_FOLLOW, "lf", at(9, 0), at(10, 0)).await?;
    equal(times(base.stat_at(NO_FOLLOW, "lf").await?)[1], Some((10, 0)))?;
    equal(times(base.stat_at(NO_FOLLOW, "f").await?), [(7, 0), (8, 0)].map(Some))?;
    base.set_times_at(NO_FOLLOW, "dangling", at(9, 0), at(10, 0)).await?;
    base.set_times_at(NO_FOLLOW, "dir/", at(9, 0), at(10, 0)).await?;
    equal(times(base.stat_at(NO_FOLLOW, "dir").await?), [(9, 0), (10, 0)].map(Some))?;
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
        refused(base.set_times_at(flags, path, at(1, 0), at(1, 0)).await, code)?;
    }
    Ok(())
}

pub async fn times_out_of_range() -> Checked {
    let base = tree::planted("times-out-of-range").await?;
    let file = tree::open(&base, "f", READ | WRITE).await?;
    let beyond = at(i64::MAX, 1_000_000_000);
    refused_any(file.set_times(NewTimestamp::NoChange, beyond).await, &[Overflow, Invalid])?;
    refused_any(base.set_times_at(NO_FOLLOW, "f", beyond, NewTimestamp::NoChange).await, &[Overflow, Invalid])?;
    // what the file system has no room for is cut to its range, or refused
    if let Err(code) = file.set_times(at(i64::MIN, 0), at(i64::MAX, 0)).await {
        holds([Overflow, Invalid].contains(&code))?;
    }
    // the reference carries what is no part of a second
    match file.set_times(NewTimestamp::NoChange, at(1, 2_000_000_007)).await {
        Ok(()) => equal(times(file.stat().await?)[1], Some((3, 7))),
        Err(code) => equal(code, Invalid),
    }
}

pub async fn same_object_and_hash() -> Checked {
    let base = tree::planted("same-object-and-hash").await?;
    let (file, again) = (tree::open(&base, "f", READ).await?, tree::open(&base, "f", WRITE).await?);
    let inner = tree::open(&base, "dir/inner", READ).await?;
    holds(file.is_same_object(&file).await && file.is_same_object(&again).await)?;
    holds(!file.is_same_object(&inner).await && !file.is_same_object(&base).await)?;
    base.link_at(NO_FOLLOW, "f", &base, "hard").await?;
    let hash = file.metadata_hash().await?;
    equal(hash, again.metadata_hash().await?)?;
    equal(hash, base.metadata_hash_at(NO_FOLLOW, "hard").await?)?;
    equal(hash, base.metadata_hash_at(FOLLOW, "lf").await?)?;
    differ(hash, base.metadata_hash_at(NO_FOLLOW, "lf").await?)?;
    differ(hash, inner.metadata_hash().await?)?;
    equal(base.metadata_hash().await?, base.metadata_hash_at(NO_FOLLOW, ".").await?)?;
    refused(base.metadata_hash_at(NO_FOLLOW, "nope").await, NoEntry)?;
    refused(base.metadata_hash_at(NO_FOLLOW, "../f").await, NotPermitted)?;
    refused(base.metadata_hash_at(NO_FOLLOW, "f/").await, NotDirectory)?;
    // of what is not there any more
    base.unlink_file_at("f").await?;
    base.unlink_file_at("hard").await?;
    holds(file.is_same_object(&again).await)?;
    equal(hash, again.metadata_hash().await?)
}
