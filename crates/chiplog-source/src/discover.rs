//! Paths to inputs.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::{error, fmt, mem};

use crate::archive::is_archive;
use crate::content::{self, JOURNAL_SIGNATURE, SAMPLE_BYTES, Texture};
use crate::journal::{Journals, Sequence, sequence_of};
use crate::walk::severities::Severities;
use crate::{DecodeLimits, Decompressor, Input};

/// Something that was found or named and is not read.
#[derive(Debug)]
pub struct Skipped {
    /// Where it is.
    pub path: PathBuf,
    /// Why it is not read.
    pub reason: SkipReason,
    /// Whether the caller named it, rather than a directory above it.
    pub named: bool,
}

/// Why something is not read.
#[derive(Debug)]
#[non_exhaustive]
pub enum SkipReason {
    /// The system does not let us: it does not exist, or permission is missing.
    Unreadable(io::Error),
    /// Text in UTF-16, by its byte order mark.
    Utf16,
    /// No text. Only said of files found in a directory: a file that is named is read.
    Binary,
    /// A pipe, device or socket found in a directory: reading it could wait for ever.
    NotAFile,
    /// The same file or directory as another one, which is read: by a link, or named twice.
    SameAs(PathBuf),
    /// A copy of a log that was read under another name.
    CopyOf(String),
    /// A file of klog for some severities; the one that is named holds its lines, and is read.
    PartOf(String),
}

impl SkipReason {
    /// What the user can do about it, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            SkipReason::Unreadable(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Some("read it as a user that may, and pipe it: sudo cat FILE | chiplog")
            }
            SkipReason::Utf16 => Some("convert it: iconv -f UTF-16 -t UTF-8 FILE | chiplog"),
            SkipReason::Binary => Some("name the file to have it read all the same"),
            _ => None,
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SkipReason::Unreadable(error) => write!(f, "cannot be read: {error}"),
            SkipReason::Utf16 => f.write_str("text in UTF-16 is not supported"),
            SkipReason::Binary => f.write_str("not text"),
            SkipReason::NotAFile => f.write_str("not a file"),
            SkipReason::SameAs(path) => write!(f, "the same as {}", path.display()),
            SkipReason::PartOf(name) => write!(f, "part of {name}, which is read"),
            SkipReason::CopyOf(name) => write!(f, "a copy of {name}, which is read"),
        }
    }
}

impl error::Error for SkipReason {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            SkipReason::Unreadable(error) => Some(error),
            _ => None,
        }
    }
}

/// Finds what there is to read under `paths`, and what of it is left out.
///
/// `-` is standard input, a file is itself, a directory is everything below it, names in byte
/// order, links followed. What is the same file twice is read once, under the path that comes
/// first: `/var/log/containers` links to `/var/log/pods`, and both are below `/var/log`.
///
/// Contents decide, never names. Compressed files are judged by what is inside. Trouble with one
/// path never keeps the others from being read.
///
/// Named pipes and devices are inputs when named, and are not looked into.
///
/// Journal files of one sequence, such as those of one machine, are one input, wherever they are.
pub fn discover<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> (Vec<Input>, Vec<Skipped>) {
    let mut walk = Walk::default();
    for path in paths {
        walk.named(path.as_ref());
    }
    mem::take(&mut walk.journals).into_inputs(&mut walk.inputs);
    walk.leave_parts_out();
    (walk.inputs, walk.skipped)
}

#[derive(Default)]
struct Walk {
    inputs: Vec<Input>,
    skipped: Vec<Skipped>,
    journals: Journals,
    /// Files and directories met, and where.
    met: HashMap<Identity, PathBuf>,
}

/// A path to look at, and whether the caller named it.
struct Step {
    path: PathBuf,
    named: bool,
}

impl Walk {
    fn named(&mut self, path: &Path) {
        if path == Path::new("-") {
            if let Some(first) = self.met.insert(Identity::Stdin, path.to_owned()) {
                self.skip(path.to_owned(), SkipReason::SameAs(first), true);
            } else {
                self.inputs.push(Input::stdin());
            }
            return;
        }
        // A stack instead of recursion: directories may be nested deeper than a stack frame likes.
        let mut stack = vec![Step { path: path.to_owned(), named: true }];
        while let Some(Step { path, named }) = stack.pop() {
            match self.visit(&path, named) {
                Ok(below) => {
                    stack.extend(below.into_iter().rev().map(|path| Step { path, named: false }));
                }
                Err(reason) => self.skip(path, reason, named),
            }
        }
    }

    fn skip(&mut self, path: PathBuf, reason: SkipReason, named: bool) {
        self.skipped.push(Skipped { path, reason, named });
    }

    /// Leaves out files of klog whose lines are in the file of a lower severity.
    fn leave_parts_out(&mut self) {
        let mut severities = Severities::default();
        let name = |input: &Input| input.path().map(|path| path.to_string_lossy().into_owned());
        self.inputs.iter().filter_map(name).for_each(|name| severities.note(&name));
        let Self { inputs, skipped, .. } = self;
        inputs.retain(|input| {
            let whole = name(input).and_then(|name| severities.whole(&name).map(ToOwned::to_owned));
            match (whole, input.path()) {
                (Some(whole), Some(path)) => {
                    let path = path.to_owned();
                    skipped.push(Skipped { path, reason: SkipReason::PartOf(whole), named: false });
                    false
                }
                _ => true,
            }
        });
    }

    /// Takes a path as an input, or gives the paths in it if it is a directory.
    fn visit(&mut self, path: &Path, named: bool) -> Result<Vec<PathBuf>, SkipReason> {
        let metadata = fs::metadata(path).map_err(SkipReason::Unreadable)?;
        let identity = Identity::of(path, &metadata).map_err(SkipReason::Unreadable)?;
        if let Some(first) = self.met.get(&identity) {
            return Err(SkipReason::SameAs(first.clone()));
        }
        if metadata.is_dir() {
            self.met.insert(identity, path.to_owned());
            return entries(path).map_err(SkipReason::Unreadable);
        }
        if metadata.is_file() {
            if let Content::Journal(sequence) = check_content(path, named)? {
                self.met.insert(identity, path.to_owned());
                self.journals.add(path, &metadata, sequence, self.inputs.len());
                return Ok(Vec::new());
            }
        } else if !named {
            return Err(SkipReason::NotAFile);
        }
        self.met.insert(identity, path.to_owned());
        self.inputs.push(Input::at(path.to_owned(), &metadata));
        Ok(Vec::new())
    }
}

/// The paths in a directory, in byte order of the names.
fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        names.push(entry?.file_name());
    }
    names.sort_unstable_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
    Ok(names.iter().map(|name| directory.join(name)).collect())
}

/// What a file is read as.
enum Content {
    Text,
    /// A journal file, of a sequence.
    Journal(Option<Sequence>),
}

/// Looks at the beginning of a file, and at its end if the beginning says nothing.
fn check_content(path: &Path, named: bool) -> Result<Content, SkipReason> {
    let file = File::open(path).map_err(SkipReason::Unreadable)?;
    let mut text = Decompressor::new(&file, DecodeLimits::default());
    // Damage is reported with the place where it is when the file is read.
    let head = read_sample(&mut text).or_else(|error| match text.compression() {
        Some(_) => Ok(Vec::new()),
        None => Err(SkipReason::Unreadable(error)),
    })?;
    if let Some(reason) = content::never_text(&head) {
        return Err(reason);
    }
    if is_archive(&head) {
        return Ok(Content::Text);
    }
    let compressed = text.compression().is_some();
    if head.starts_with(JOURNAL_SIGNATURE) {
        // One that is compressed is read by itself, into memory.
        return Ok(if compressed { Content::Text } else { Content::Journal(sequence_of(&head)) });
    }
    if named {
        return Ok(Content::Text);
    }
    drop(text);
    match Texture::of(&head) {
        Texture::Text => Ok(Content::Text),
        Texture::Binary => Err(SkipReason::Binary),
        // The end of a compressed file costs as much as reading it.
        Texture::Hole if compressed => Ok(Content::Text),
        Texture::Hole => {
            let tail = read_tail(file).map_err(SkipReason::Unreadable)?;
            if Texture::of(&tail) == Texture::Text { Ok(Content::Text) } else { Err(SkipReason::Binary) }
        }
    }
}

fn read_sample(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut sample = Vec::with_capacity(SAMPLE_BYTES);
    match reader.take(SAMPLE_BYTES as u64).read_to_end(&mut sample) {
        Err(error) if sample.is_empty() => Err(error),
        _ => Ok(sample),
    }
}

fn read_tail(mut file: File) -> io::Result<Vec<u8>> {
    let len = file.metadata()?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(SAMPLE_BYTES as u64)))?;
    read_sample(&mut file)
}

/// What makes two paths the same thing.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    Stdin,
    #[cfg(unix)]
    Inode {
        device: u64,
        inode: u64,
    },
    #[cfg(not(unix))]
    Path(PathBuf),
}

impl Identity {
    #[cfg(unix)]
    fn of(_path: &Path, metadata: &Metadata) -> io::Result<Identity> {
        use std::os::unix::fs::MetadataExt;
        Ok(Identity::Inode { device: metadata.dev(), inode: metadata.ino() })
    }

    #[cfg(not(unix))]
    fn of(path: &Path, _metadata: &Metadata) -> io::Result<Identity> {
        fs::canonicalize(path).map(Identity::Path)
    }
}
