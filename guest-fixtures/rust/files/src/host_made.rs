//! Files that only the host can make, in /data.

use support::Checked;

use crate::directories::listing;
use crate::node::ErrorCode::{IllegalByteSequence, Io, Loop, NoSuchDevice, NotPermitted};
use crate::node::{DescriptorType, NewTimestamp, OpenFlags, holds, refused, refused_any};
use crate::tree::{self, FOLLOW, NO_FOLLOW, READ, WRITE};

/// `absolute` and `relative` lead to a file outside, `absolute-directory` and `relative-directory` to its directory, whose
/// file is named `secret`.
pub async fn links() -> Checked {
    let data = tree::mount("/data")?;
    for link in ["absolute", "relative"] {
        refused(data.open_at(NO_FOLLOW, link, OpenFlags::empty(), READ).await, Loop)?;
        refused(data.open_at(FOLLOW, link, OpenFlags::empty(), READ).await, NotPermitted)?;
        refused(data.open_at(FOLLOW, link, OpenFlags::CREATE | OpenFlags::TRUNCATE, WRITE).await, NotPermitted)?;
        refused(data.stat_at(FOLLOW, link).await, NotPermitted)?;
        refused(data.metadata_hash_at(FOLLOW, link).await, NotPermitted)?;
        refused(data.set_times_at(FOLLOW, link, NewTimestamp::Now, NewTimestamp::Now).await, NotPermitted)?;
        data.stat_at(NO_FOLLOW, link).await?;
        // a hard link to the link, not to the file
        data.link_at(NO_FOLLOW, link, &data, "hard").await?;
        refused(data.open_at(FOLLOW, "hard", OpenFlags::empty(), READ).await, NotPermitted)?;
        data.unlink_file_at("hard").await?;
    }
    refused(data.readlink_at("absolute").await, NotPermitted)?;
    data.readlink_at("relative").await?;
    for directory in ["absolute-directory", "relative-directory"] {
        let below = format!("{directory}/secret");
        refused(data.open_at(FOLLOW, directory, OpenFlags::empty(), READ).await, NotPermitted)?;
        for path in [&below, &format!("{directory}/new")] {
            refused(data.open_at(FOLLOW, path, OpenFlags::CREATE, READ | WRITE).await, NotPermitted)?;
            refused(data.stat_at(NO_FOLLOW, path).await, NotPermitted)?;
            refused(data.create_directory_at(path).await, NotPermitted)?;
            refused(data.unlink_file_at(path).await, NotPermitted)?;
            refused(data.remove_directory_at(path).await, NotPermitted)?;
            refused(data.symlink_at("x", path).await, NotPermitted)?;
        }
        refused(data.rename_at(&below, &data, "stolen").await, NotPermitted)?;
        refused(data.link_at(NO_FOLLOW, &below, &data, "stolen").await, NotPermitted)?;
        tree::put(&data, "mine", b"mine").await?;
        refused(data.rename_at("mine", &data, &below).await, NotPermitted)?;
        refused(data.link_at(NO_FOLLOW, "mine", &data, &below).await, NotPermitted)?;
    }
    Ok(())
}

/// `pipe` is a FIFO, `socket` a socket. Nothing of them may hold the host up.
pub async fn special_files() -> Checked {
    let data = tree::mount("/data")?;
    // the reference knows neither in what it opened, only in what it stats
    for (path, kind) in [("pipe", DescriptorType::Fifo), ("socket", DescriptorType::Socket)] {
        let got = data.stat_at(NO_FOLLOW, path).await?.type_;
        holds(got == kind || got == DescriptorType::Other(None))?;
    }
    tree::open(&data, "pipe", READ | WRITE).await?;
    refused_any(tree::open(&data, "socket", READ).await, &[NoSuchDevice, Io])?;
    for path in ["pipe", "socket"] {
        data.set_times_at(NO_FOLLOW, path, NewTimestamp::Now, NewTimestamp::Now).await?;
        data.rename_at(path, &data, "moved").await?;
        data.unlink_file_at("moved").await?;
    }
    Ok(())
}

/// `dir` has a file whose name is no UTF-8, beside `x.txt`; `link` points to such a name.
pub async fn names() -> Checked {
    let data = tree::mount("/data")?;
    let directory = tree::open(&data, "dir", READ).await?;
    // what was read before the name may be there or not
    refused(listing(&directory).await.1, IllegalByteSequence)?;
    refused(data.readlink_at("link").await, IllegalByteSequence)
}
