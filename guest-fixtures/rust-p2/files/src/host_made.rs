//! Files that only the host can make, in /data.

use support::refused;
use wasip2::filesystem::types::ErrorCode::{IllegalByteSequence, Io, Loop, NoSuchDevice, NotPermitted};
use wasip2::filesystem::types::{DescriptorType, ErrorCode, NewTimestamp, OpenFlags};

use crate::tree::{self, EXISTING, FOLLOW, NO_FOLLOW, READ, WRITE};

/// `absolute` and `relative` lead to a file outside, `absolute-directory` and `relative-directory` to its directory, whose
/// file is named `secret`.
pub fn links() {
    let data = tree::mount("/data");
    for link in ["absolute", "relative"] {
        refused(data.open_at(NO_FOLLOW, link, EXISTING, READ), Loop);
        refused(data.open_at(FOLLOW, link, EXISTING, READ), NotPermitted);
        refused(data.open_at(FOLLOW, link, OpenFlags::CREATE | OpenFlags::TRUNCATE, WRITE), NotPermitted);
        refused(data.stat_at(FOLLOW, link), NotPermitted);
        refused(data.metadata_hash_at(FOLLOW, link), NotPermitted);
        refused(data.set_times_at(FOLLOW, link, NewTimestamp::Now, NewTimestamp::Now), NotPermitted);
        data.stat_at(NO_FOLLOW, link).unwrap();
        // a hard link to the link, not to the file
        data.link_at(NO_FOLLOW, link, &data, "hard").unwrap();
        refused(data.open_at(FOLLOW, "hard", EXISTING, READ), NotPermitted);
        data.unlink_file_at("hard").unwrap();
    }
    refused(data.readlink_at("absolute"), NotPermitted);
    data.readlink_at("relative").unwrap();
    for directory in ["absolute-directory", "relative-directory"] {
        let below = format!("{directory}/secret");
        refused(data.open_at(FOLLOW, directory, EXISTING, READ), NotPermitted);
        for path in [&below, &format!("{directory}/new")] {
            refused(data.open_at(FOLLOW, path, OpenFlags::CREATE, READ | WRITE), NotPermitted);
            refused(data.stat_at(NO_FOLLOW, path), NotPermitted);
            refused(data.create_directory_at(path), NotPermitted);
            refused(data.unlink_file_at(path), NotPermitted);
            refused(data.remove_directory_at(path), NotPermitted);
            refused(data.symlink_at("x", path), NotPermitted);
        }
        refused(data.rename_at(&below, &data, "stolen"), NotPermitted);
        refused(data.link_at(NO_FOLLOW, &below, &data, "stolen"), NotPermitted);
        tree::put(&data, "mine", b"mine");
        refused(data.rename_at("mine", &data, &below), NotPermitted);
        refused(data.link_at(NO_FOLLOW, "mine", &data, &below), NotPermitted);
    }
}

/// `pipe` is a FIFO, `socket` a socket. Nothing of them may hold the host up.
pub fn special_files() {
    let data = tree::mount("/data");
    // the reference knows neither in what it opened, only in what it stats
    let kinds = |path, kind| {
        let got = data.stat_at(NO_FOLLOW, path).unwrap().type_;
        assert!(got == kind || got == DescriptorType::Unknown, "{got:?}");
    };
    kinds("pipe", DescriptorType::Fifo);
    kinds("socket", DescriptorType::Socket);
    tree::open(&data, "pipe", READ | WRITE).unwrap();
    match tree::open(&data, "socket", READ) {
        Ok(_) => panic!("opened a socket"),
        Err(code) => assert!([NoSuchDevice, Io].contains(&code), "{code:?}"),
    }
    for path in ["pipe", "socket"] {
        data.set_times_at(NO_FOLLOW, path, NewTimestamp::Now, NewTimestamp::Now).unwrap();
        data.rename_at(path, &data, "moved").unwrap();
        data.unlink_file_at("moved").unwrap();
    }
}

/// `dir` has a file whose name is no UTF-8, beside `x.txt`; `link` points to such a name.
pub fn names() {
    let data = tree::mount("/data");
    let stream = tree::open(&data, "dir", READ).unwrap().read_directory().unwrap();
    let (mut names, mut errors) = (Vec::new(), Vec::<ErrorCode>::new());
    loop {
        match stream.read_directory_entry() {
            Ok(Some(entry)) => names.push(entry.name),
            Ok(None) => break,
            Err(code) => errors.push(code),
        }
    }
    assert_eq!((names, errors), (vec!["x.txt".to_string()], vec![IllegalByteSequence]));
    refused(data.readlink_at("link"), IllegalByteSequence);
}
