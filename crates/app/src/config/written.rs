//! The configuration as it was written: texts and where they came from, one `Written` per source.
//! Nothing here knows what a text means.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::File,
    io::Read,
    ops::Range,
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Origin, Refused, SETTINGS, Setting, Shape, settings::CONFIG, tokens};
use crate::{cli::Command, console::cause};

/// What the name of every environment variable of ours begins with.
pub(super) const PREFIX: &str = "ALFRESCO_SSH_";

/// Read by the build and not by the program.
const BUILD_VARIABLES: &[&str] = &["ALFRESCO_SSH_WEB_DIST"];

/// The settings that one source has.
#[derive(Default)]
pub(crate) struct Written(Vec<Entry>);

/// A setting as it was written in one place.
pub(crate) struct Entry {
    /// Which.
    pub(crate) setting: &'static Setting,
    /// The texts; only a list has several.
    pub(crate) values: Vec<String>,
    /// Where.
    pub(crate) origin: Origin,
}

impl Entry {
    /// Whether it is a switch that is on.
    pub(super) fn is_on(&self) -> bool {
        self.values.last().is_some_and(|value| super::read::switch(value) == Ok(true))
    }
}

impl FromIterator<Entry> for Written {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl Written {
    /// The entry of a setting.
    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.setting.name == name)
    }

    /// The environment twins of the flags. An empty variable counts as absent.
    pub(super) fn from_environment(environment: &Environment) -> Result<Self, Refused> {
        let mut entries = Vec::new();
        for setting in SETTINGS {
            let name = setting.variable();
            let Some(text) = environment.get(&name) else { continue };
            let origin = Origin::Environment(name);
            let Some(text) = text.to_str() else {
                return Err(Refused { origin, sentence: "the value is not UTF-8 text".to_owned() });
            };
            entries.push(Entry { setting, values: split(setting, text), origin });
        }
        Ok(Self(entries))
    }

    /// The file that this entry names.
    pub(super) fn from_file(entry: &Entry) -> Result<Self, Refused> {
        let path = entry.values.last().map_or("", String::as_str);
        let refused = |sentence| Refused { origin: entry.origin.clone(), sentence };
        let unreadable = |error| refused(format!("{path} cannot be read: {}", cause(&error)));
        let mut file = File::open(path).map_err(unreadable)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(unreadable)?;
        let written = Self::from_toml(Path::new(path), &text)?;
        let others_may_read = tokens::others_may_read(&file.metadata().map_err(unreadable)?);
        match written.get("api-token") {
            Some(_) if others_may_read => Err(refused(tokens::open_to_others(path))),
            _ => Ok(written),
        }
    }

    /// The text of such a file.
    pub(super) fn from_toml(path: &Path, text: &str) -> Result<Self, Refused> {
        let refused = |span: Range<usize>, sentence| {
            let line = text.get(..span.start).unwrap_or(text).matches('\n').count() + 1;
            Refused { origin: Origin::File { path: path.to_owned(), line }, sentence }
        };
        let table = DeTable::parse(text).map_err(|error| {
            refused(error.span().unwrap_or_default(), error.message().trim().replace('\n', ", "))
        })?;
        let mut entries = Vec::new();
        for (key, value) in table.get_ref() {
            let name = key.get_ref().as_ref();
            let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name && name != CONFIG) else {
                return Err(refused(key.span(), unknown_key(name)));
            };
            let values = texts(setting, value).map_err(|sentence| refused(value.span(), sentence))?;
            let line = refused(key.span(), String::new()).origin;
            entries.push(Entry { setting, values, origin: line });
        }
        Ok(Self(entries))
    }

    /// What holds where nothing was written: variables that are not ours, then the table.
    pub(super) fn defaults(command: &Command, environment: &Environment) -> Self {
        let filter = environment.get("RUST_LOG").and_then(OsStr::to_str);
        let foreign = |name: &str| match name {
            "log-filter" => match (filter, command) {
                (Some(filter), _) => Some((filter.to_owned(), Origin::Environment("RUST_LOG".to_owned()))),
                (None, Command::Demo { .. } | Command::Check { .. }) => {
                    Some(("warn".to_owned(), Origin::Default))
                }
                (None, Command::Serve) => None,
            },
            "state-dir" => environment.state_dir().map(|path| (path, Origin::Default)),
            _ => None,
        };
        let own = |setting: &Setting| {
            (!setting.default.is_empty()).then(|| (setting.default.to_owned(), Origin::Default))
        };
        SETTINGS
            .iter()
            .filter_map(|setting| {
                let (value, origin) = foreign(setting.name).or_else(|| own(setting))?;
                Some(Entry { setting, values: vec![value], origin })
            })
            .collect()
    }
}

/// A list may be written with commas.
pub(crate) fn split(setting: &Setting, text: &str) -> Vec<String> {
    if setting.shape != Shape::List {
        return vec![text.to_owned()];
    }
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

fn unknown_key(name: &str) -> String {
    let dashed = name.replace('_', "-");
    match SETTINGS.iter().find(|setting| setting.name == dashed) {
        Some(setting) if setting.name == CONFIG => "the key config is only a flag and a variable".to_owned(),
        Some(setting) => format!("the key {name} is unknown: it is written {}", setting.name),
        None => format!("the key {name:?} is unknown"),
    }
}

/// The value's texts if it has the setting's shape.
fn texts(setting: &Setting, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, String> {
    let value = value.get_ref();
    let whole = |value: &DeValue<'_>| {
        let integer = value.as_integer()?;
        i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(|number| number.to_string())
    };
    let text = match setting.shape {
        Shape::Text => value.as_str().map(str::to_owned),
        Shape::Number => whole(value),
        Shape::Duration => value.as_str().map(str::to_owned).or_else(|| whole(value)),
        Shape::Switch => value.as_bool().map(|on| on.to_string()),
        Shape::List => return list(setting, value),
    };
    text.map(|text| vec![text]).ok_or_else(|| wrong_type(setting, value))
}

fn list(setting: &Setting, value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let texts: Option<Vec<String>> = match (value.as_str(), value.as_array()) {
        (Some(text), _) => Some(split(setting, text)),
        (_, Some(items)) => items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    match texts {
        Some(texts) if texts.is_empty() => Err(format!("{} is empty", setting.name)),
        Some(texts) => Ok(texts),
        None => Err(wrong_type(setting, value)),
    }
}

fn wrong_type(setting: &Setting, value: &DeValue<'_>) -> String {
    let wanted = match setting.shape {
        Shape::Text => "a string",
        Shape::Number => "a whole number",
        Shape::Duration => "a string such as \"2m\" or a whole number of seconds",
        Shape::Switch => "true or false",
        Shape::List => "an array of strings",
    };
    format!("{} must be {wanted}, and this is of type {}", setting.name, value.type_str())
}

/// The process's environment, read once.
#[derive(Default)]
pub(crate) struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// What this process was given.
    pub(crate) fn of_process() -> Self {
        std::env::vars_os().collect()
    }

    /// Whether terminal colours are unwanted (<https://no-color.org>).
    pub(super) fn no_color(&self) -> bool {
        self.get("NO_COLOR").is_some()
    }

    /// Variables that look like ours and are not.
    pub(super) fn unknown_twins(&self) -> impl Iterator<Item = String> {
        let known = |name: &String| {
            SETTINGS.iter().any(|setting| setting.variable() == *name)
                || BUILD_VARIABLES.contains(&name.as_str())
        };
        let names = self.0.keys().map(|name| name.to_string_lossy().into_owned());
        names.filter(move |name| name.starts_with(PREFIX) && !known(name))
    }

    fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// systemd's state directory, else the desktop's, else the home's.
    fn state_dir(&self) -> Option<String> {
        let absolute = |name| self.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let systemd = self.get("STATE_DIRECTORY").and_then(OsStr::to_str);
        // systemd joins several with colons.
        let systemd = systemd.and_then(|list| list.split(':').next()).map(PathBuf::from);
        let path = systemd
            .or_else(|| absolute("XDG_STATE_HOME").map(|base| base.join("alfresco-ssh")))
            .or_else(|| absolute("HOME").map(|home| home.join(".local/state/alfresco-ssh")))?;
        path.to_str().map(str::to_owned)
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}
