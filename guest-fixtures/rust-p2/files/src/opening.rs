//! `open-at`: its flags, and `get-flags` of what it opened.

use support::{refused, refused_any, variable};
use wasip2::filesystem::types::ErrorCode::{
    Exist, Invalid, Io, IsDirectory, Loop, NoEntry, NotDirectory, NotPermitted, Unsupported,
};
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags};

use crate::tree::{self, EXISTING, FOLLOW, NO_FOLLOW, READ, WRITE};

fn open_with(base: &Descriptor, path: &str, flags: OpenFlags) -> Result<Descriptor, ErrorCode> {
    base.open_at(NO_FOLLOW, path, flags, READ | WRITE)
}

pub fn create() {
    let base = tree::planted("open-create");
    open_with(&base, "new", OpenFlags::CREATE).unwrap();
    assert_eq!(base.stat_at(NO_FOLLOW, "new").unwrap().size, 0);
    let existing = open_with(&base, "f", OpenFlags::CREATE).unwrap();
    assert_eq!(tree::content_of(&existing), b"0123456789");
    refused(open_with(&base, "dir", OpenFlags::CREATE), IsDirectory);
    refused(open_with(&base, "other/", OpenFlags::CREATE), IsDirectory);
    refused(open_with(&base, "nope/new", OpenFlags::CREATE), NoEntry);
    refused(open_with(&base, "f/new", OpenFlags::CREATE), NotDirectory);
    refused(open_with(&base, "../new", OpenFlags::CREATE), NotPermitted);
    refused(open_with(&base, "/new", OpenFlags::CREATE), NotPermitted);
    refused(open_with(&base, "escd/new", OpenFlags::CREATE), NotPermitted);
    // creating makes the file writable, whatever the descriptor flags are
    let file = base.open_at(NO_FOLLOW, "read", OpenFlags::CREATE, READ).unwrap();
    file.write(b"x", 0).unwrap();
}

pub fn exclusive() {
    let base = tree::planted("open-exclusive");
    let exclusive = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    open_with(&base, "new", exclusive).unwrap();
    for path in ["new", "f", "lf", "dangling", "dir"] {
        refused(open_with(&base, path, exclusive), Exist);
    }
    // without create it says nothing
    open_with(&base, "f", OpenFlags::EXCLUSIVE).unwrap();
}

pub fn truncate() {
    let base = tree::planted("open-truncate");
    let file = open_with(&base, "f", OpenFlags::TRUNCATE).unwrap();
    assert_eq!(file.stat().unwrap().size, 0);
    tree::put(&base, "f", b"again");
    base.open_at(NO_FOLLOW, "f", OpenFlags::TRUNCATE, READ).unwrap();
    assert_eq!(tree::content(&base, "f"), b"");
    refused(open_with(&base, "nope", OpenFlags::TRUNCATE), NoEntry);
    refused(open_with(&base, "dir", OpenFlags::TRUNCATE), IsDirectory);
}

pub fn directory() {
    let base = tree::planted("open-directory");
    base.open_at(NO_FOLLOW, "dir", OpenFlags::DIRECTORY, READ).unwrap();
    base.open_at(FOLLOW, "ld", OpenFlags::DIRECTORY, READ).unwrap();
    refused(base.open_at(NO_FOLLOW, "f", OpenFlags::DIRECTORY, READ), NotDirectory);
    refused(base.open_at(FOLLOW, "lf", OpenFlags::DIRECTORY, READ), NotDirectory);
    refused(base.open_at(NO_FOLLOW, "nope", OpenFlags::DIRECTORY, READ), NoEntry);
    for other in [OpenFlags::CREATE, OpenFlags::EXCLUSIVE, OpenFlags::TRUNCATE] {
        refused(base.open_at(NO_FOLLOW, "dir", OpenFlags::DIRECTORY | other, READ), Invalid);
    }
    refused(base.open_at(NO_FOLLOW, "dir", EXISTING, WRITE), IsDirectory);
    refused(base.open_at(NO_FOLLOW, "dir", EXISTING, READ | WRITE), IsDirectory);
}

pub fn links() {
    let base = tree::planted("open-links");
    // a host opens the directory before it sees the link, or the link before it asks for a directory
    refused_any(base.open_at(NO_FOLLOW, "ld", OpenFlags::DIRECTORY, READ), &[Loop, NotDirectory]);
    let through = base.open_at(FOLLOW, "lf", EXISTING, READ | WRITE).unwrap();
    assert!(through.is_same_object(&tree::open(&base, "f", READ).unwrap()));
    refused(open_with(&base, "dangling", OpenFlags::CREATE), Loop);
    base.open_at(FOLLOW, "dangling", OpenFlags::CREATE, WRITE).unwrap();
    assert!(tree::exists(&base, "nowhere"));
    refused(base.open_at(FOLLOW, "esc", OpenFlags::CREATE, WRITE), NotPermitted);
}

pub fn flags() {
    let base = tree::planted("open-flags");
    let mutate = DescriptorFlags::MUTATE_DIRECTORY;
    for (asked, got) in [(DescriptorFlags::empty(), READ), (READ, READ), (WRITE, WRITE), (READ | WRITE, READ | WRITE)] {
        assert_eq!(tree::open(&base, "f", asked).unwrap().get_flags().unwrap(), got);
    }
    let truncated = base.open_at(NO_FOLLOW, "f", OpenFlags::TRUNCATE, READ).unwrap();
    assert_eq!(truncated.get_flags().unwrap(), READ | WRITE);
    // the reference never reports that a directory may be changed, but for mounts; it may be whether it was asked for or not
    for asked in [DescriptorFlags::empty(), READ, mutate, READ | mutate] {
        let directory = tree::open(&base, "dir", asked).unwrap();
        let got = directory.get_flags().unwrap();
        assert!(got == READ || got == READ | mutate, "{got:?}");
        directory.create_directory_at("made").unwrap();
        directory.remove_directory_at("made").unwrap();
    }
}

pub fn with_sync() {
    let base = tree::planted("open-with-sync");
    for flag in [
        DescriptorFlags::FILE_INTEGRITY_SYNC,
        DescriptorFlags::DATA_INTEGRITY_SYNC,
        DescriptorFlags::REQUESTED_WRITE_SYNC,
    ] {
        // WIT: a request, not a requirement; the reference has none of them
        match tree::open(&base, "f", READ | WRITE | flag) {
            Ok(file) => assert_eq!(file.write(b"synced", 0).unwrap(), 6),
            Err(code) => assert_eq!(code, Unsupported),
        }
    }
}

/// Files until the host has no more, which are at least COUNT.
pub fn many() {
    let base = tree::planted("many-open");
    let mut opened = Vec::new();
    let end = loop {
        match tree::open(&base, "f", READ) {
            Ok(file) => opened.push(file),
            Err(code) => break code,
        }
    };
    assert_eq!(end, Io);
    assert!(opened.len() >= variable("COUNT", "100").parse().unwrap());
    opened.pop();
    tree::open(&base, "f", READ).unwrap();
}
