//! The form of an object store of a cloud: `templates/objects/store_fields.html`.

use serde::Deserialize;

/// Folder in a bucket, unless the form names another.
const DEFAULT_FOLDER: &str = "mukkeum";

/// What a person says of a bucket.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct StoreForm {
    /// `s3`, `gs` or `az`
    pub kind: String,
    /// name of the bucket or container
    pub bucket: String,
    /// folder in it
    pub folder: String,
    /// region of S3
    pub region: String,
    /// URL of a store that is compatible with S3
    pub endpoint: String,
    /// identifier of the access key, or name of the account
    pub account: String,
    /// never sent back to the browser
    secret: String,
}

impl StoreForm {
    /// Whether this kind is chosen; `s3` unless another is.
    pub fn is_kind(&self, kind: &str) -> bool {
        self.kind == kind || (self.kind.is_empty() && kind == "s3")
    }

    /// The form as it is sent back to the browser.
    #[must_use]
    pub fn without_secret(self) -> Self {
        Self { secret: String::new(), ..self }
    }

    /// The address of the bucket.
    ///
    /// # Errors
    /// A sentence for the person who filled in the form.
    pub fn address(&self) -> Result<String, String> {
        let [bucket, folder] = [&self.bucket, &self.folder].map(|text| text.trim().trim_matches('/'));
        if bucket.is_empty() || bucket.contains(|c: char| c.is_whitespace() || "/:?#@".contains(c)) {
            return Err("버킷 이름만 입력해 주세요. 예: my-shop-backup".to_owned());
        }
        let scheme = ["s3", "gs", "az"].into_iter().find(|scheme| self.is_kind(scheme));
        let scheme = scheme.ok_or_else(|| "저장소의 종류를 선택해 주세요.".to_owned())?;
        let folder = if folder.is_empty() { DEFAULT_FOLDER } else { folder };
        Ok(format!("{scheme}://{bucket}/{folder}"))
    }

    /// The options of the store, under the names of its own tools.
    pub fn options(&self) -> Vec<(String, String)> {
        let pairs = match self.kind.as_str() {
            "gs" => vec![("GOOGLE_SERVICE_ACCOUNT_KEY", &self.secret)],
            "az" => vec![("AZURE_STORAGE_ACCOUNT_NAME", &self.account), ("AZURE_STORAGE_ACCOUNT_KEY", &self.secret)],
            _ => vec![
                ("AWS_ACCESS_KEY_ID", &self.account),
                ("AWS_SECRET_ACCESS_KEY", &self.secret),
                ("AWS_REGION", &self.region),
                ("AWS_ENDPOINT", &self.endpoint),
            ],
        };
        let given = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        let mut options: Vec<(String, String)> = given.filter(|(_, value)| !value.is_empty()).collect();
        if self.endpoint.trim().starts_with("http://") {
            options.push(("AWS_ALLOW_HTTP".to_owned(), "true".to_owned()));
        }
        options
    }
}
