//! What the host mounted: /data in most cases; nothing; /data read-only; /data, /cache and a read-only /src.

use support::Checked;

use crate::bindings::wasi::filesystem::preopens::get_directories;
use crate::directories::names;
use crate::node::ErrorCode::NotPermitted;
use crate::node::{DescriptorFlags, DescriptorType, NewTimestamp, Node, OpenFlags, equal, holds, refused};
use crate::tree::{self, NO_FOLLOW, READ, WRITE};
use crate::writing::takes_nothing;

const MUTATE: DescriptorFlags = DescriptorFlags::MUTATE_DIRECTORY;

fn mount_names() -> Vec<String> {
    get_directories().into_iter().map(|(_, name)| name).collect()
}

pub async fn preopens() -> Checked {
    equal(mount_names(), ["/data"])?;
    let (one, two) = (tree::mount("/data")?, tree::mount("/data")?);
    holds(one.is_same_object(&two).await)?;
    drop(one);
    equal(two.get_type().await?, DescriptorType::Directory)?;
    equal(two.get_flags().await?, READ | MUTATE)
}

pub async fn none() -> Checked {
    equal(mount_names(), [""; 0])
}

/// A file `x.txt` with the text "hello" and a directory `dir` are in it.
pub async fn read_only() -> Checked {
    let data = tree::mount("/data")?;
    equal(data.get_flags().await?, READ)?;
    let file = tree::open(&data, "x.txt", READ).await?;
    tree::has(&data, "x.txt", b"hello").await?;
    equal(names(&data).await?, ["dir", "x.txt"])?;
    data.sync().await?;
    file.sync_data().await?;
    file.metadata_hash().await?;
    changes_nothing(&data).await?;
    // what is opened below is as much read-only
    changes_nothing_in(&tree::open(&data, "dir", READ | MUTATE).await?).await?;
    takes_nothing(|data| file.write_via_stream(data, 0), &[NotPermitted]).await?;
    takes_nothing(|data| file.append_via_stream(data), &[NotPermitted]).await?;
    refused(file.set_size(0).await, NotPermitted)?;
    refused(file.set_times(NewTimestamp::Now, NewTimestamp::Now).await, NotPermitted)?;
    tree::has(&data, "x.txt", b"hello").await
}

async fn changes_nothing(base: &Node) -> Checked {
    refused(base.unlink_file_at("x.txt").await, NotPermitted)?;
    refused(base.remove_directory_at("dir").await, NotPermitted)?;
    refused(base.rename_at("x.txt", base, "new").await, NotPermitted)?;
    refused(base.link_at(NO_FOLLOW, "x.txt", base, "new").await, NotPermitted)?;
    let now = NewTimestamp::Now;
    refused(base.set_times_at(NO_FOLLOW, "x.txt", now, now).await, NotPermitted)?;
    refused(base.open_at(NO_FOLLOW, "x.txt", OpenFlags::TRUNCATE, READ).await, NotPermitted)?;
    refused(tree::open(base, "x.txt", WRITE).await, NotPermitted)?;
    refused(tree::open(base, "x.txt", READ | WRITE).await, NotPermitted)?;
    changes_nothing_in(base).await
}

async fn changes_nothing_in(base: &Node) -> Checked {
    let now = NewTimestamp::Now;
    refused(base.create_directory_at("new").await, NotPermitted)?;
    refused(base.symlink_at("x.txt", "new").await, NotPermitted)?;
    refused(base.open_at(NO_FOLLOW, "new", OpenFlags::CREATE, READ).await, NotPermitted)?;
    refused(base.set_times(now, now).await, NotPermitted)
}

/// /src is read-only and has `x.txt`; from mount to mount files go as far as both may be written.
pub async fn several() -> Checked {
    equal(mount_names(), ["/data", "/cache", "/src"])?;
    let (data, cache, src) = (tree::mount("/data")?, tree::mount("/cache")?, tree::mount("/src")?);
    tree::put(&data, "f", b"data").await?;
    data.rename_at("f", &cache, "g").await?;
    tree::has(&cache, "g", b"data").await?;
    cache.link_at(NO_FOLLOW, "g", &data, "h").await?;
    tree::has(&data, "h", b"data").await?;
    refused(data.rename_at("h", &src, "new").await, NotPermitted)?;
    refused(src.rename_at("x.txt", &data, "new").await, NotPermitted)?;
    refused(data.link_at(NO_FOLLOW, "h", &src, "new").await, NotPermitted)?;
    refused(src.link_at(NO_FOLLOW, "x.txt", &data, "new").await, NotPermitted)?;
    refused(data.open_at(NO_FOLLOW, "../cache/g", OpenFlags::empty(), READ).await, NotPermitted)?;
    tree::has(&src, "x.txt", b"hello").await
}
