//! What the host mounted: /data in most cases; nothing; /data read-only; /data, /cache and a read-only /src.

use support::refused;
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::ErrorCode::NotPermitted;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, DescriptorType, NewTimestamp, OpenFlags};

use crate::directories::names;
use crate::reading::read_all;
use crate::tree::{self, EXISTING, NO_FOLLOW, READ, WRITE};

const MUTATE: DescriptorFlags = DescriptorFlags::MUTATE_DIRECTORY;

fn mount_names() -> Vec<String> {
    get_directories().into_iter().map(|(_, name)| name).collect()
}

pub fn preopens() {
    assert_eq!(mount_names(), ["/data"]);
    let (one, two) = (tree::mount("/data"), tree::mount("/data"));
    assert!(one.is_same_object(&two));
    drop(one);
    assert_eq!(two.get_type().unwrap(), DescriptorType::Directory);
    assert_eq!(two.get_flags().unwrap(), READ | MUTATE);
}

pub fn none() {
    assert_eq!(mount_names(), [""; 0]);
}

/// A file `x.txt` with the text "hello" and a directory `dir` are in it.
pub fn read_only() {
    let data = tree::mount("/data");
    assert_eq!(data.get_flags().unwrap(), READ);
    let file = tree::open(&data, "x.txt", READ).unwrap();
    assert_eq!(tree::content_of(&file), b"hello");
    assert_eq!(read_all(&file.read_via_stream(0).unwrap()), b"hello");
    assert_eq!(names(&data), ["dir", "x.txt"]);
    data.sync().unwrap();
    file.sync_data().unwrap();
    file.metadata_hash().unwrap();
    changes_nothing(&data);
    // what is opened below is as much read-only
    changes_nothing_in(&tree::open(&data, "dir", READ | MUTATE).unwrap());
    refused(file.write(b"x", 0), NotPermitted);
    refused(file.write_via_stream(0), NotPermitted);
    refused(file.append_via_stream(), NotPermitted);
    refused(file.set_size(0), NotPermitted);
    refused(file.set_times(NewTimestamp::Now, NewTimestamp::Now), NotPermitted);
    assert_eq!(tree::content_of(&file), b"hello");
}

fn changes_nothing(base: &Descriptor) {
    refused(base.unlink_file_at("x.txt"), NotPermitted);
    refused(base.remove_directory_at("dir"), NotPermitted);
    refused(base.rename_at("x.txt", base, "new"), NotPermitted);
    refused(base.link_at(NO_FOLLOW, "x.txt", base, "new"), NotPermitted);
    let now = NewTimestamp::Now;
    refused(base.set_times_at(NO_FOLLOW, "x.txt", now, now), NotPermitted);
    refused(base.open_at(NO_FOLLOW, "x.txt", OpenFlags::TRUNCATE, READ), NotPermitted);
    refused(tree::open(base, "x.txt", WRITE), NotPermitted);
    refused(tree::open(base, "x.txt", READ | WRITE), NotPermitted);
    changes_nothing_in(base);
}

fn changes_nothing_in(base: &Descriptor) {
    let now = NewTimestamp::Now;
    refused(base.create_directory_at("new"), NotPermitted);
    refused(base.symlink_at("x.txt", "new"), NotPermitted);
    refused(base.open_at(NO_FOLLOW, "new", OpenFlags::CREATE, READ), NotPermitted);
    refused(base.set_times(now, now), NotPermitted);
}

/// /src is read-only and has `x.txt`; from mount to mount files go as far as both may be written.
pub fn several() {
    assert_eq!(mount_names(), ["/data", "/cache", "/src"]);
    let (data, cache, src) = (tree::mount("/data"), tree::mount("/cache"), tree::mount("/src"));
    tree::put(&data, "f", b"data");
    data.rename_at("f", &cache, "g").unwrap();
    assert_eq!(tree::content(&cache, "g"), b"data");
    cache.link_at(NO_FOLLOW, "g", &data, "h").unwrap();
    assert_eq!(tree::content(&data, "h"), b"data");
    refused(data.rename_at("h", &src, "new"), NotPermitted);
    refused(src.rename_at("x.txt", &data, "new"), NotPermitted);
    refused(data.link_at(NO_FOLLOW, "h", &src, "new"), NotPermitted);
    refused(src.link_at(NO_FOLLOW, "x.txt", &data, "new"), NotPermitted);
    refused(data.open_at(NO_FOLLOW, "../cache/g", EXISTING, READ), NotPermitted);
    assert_eq!(tree::content(&src, "x.txt"), b"hello");
}
