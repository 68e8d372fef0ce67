//! Verbs: the stored code of each event, and the type of its object.

use super::AuditEvent;

macro_rules! verbs {
    ($($verb:ident = $code:literal of $object:literal;)*) => {
        /// What was done. The variants are those of [`AuditEvent`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "AuditEvent describes them")]
        pub enum Verb { $($verb,)* }

        impl Verb {
            /// All verbs.
            pub const ALL: &[Self] = &[$(Self::$verb,)*];

            /// The stored code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$verb => $code,)* }
            }

            /// The type of the object, as stored.
            pub const fn object_type(self) -> &'static str {
                match self { $(Self::$verb => $object,)* }
            }
        }

        impl AuditEvent {
            /// The verb.
            pub const fn verb(&self) -> Verb {
                match self { $(Self::$verb { .. } => Verb::$verb,)* }
            }
        }
    };
}

verbs! {
    MemberAdded = "member-added" of "member";
    RoleChanged = "role-changed" of "member";
    MemberEnabled = "member-enabled" of "member";
    MemberDisabled = "member-disabled" of "member";
    MemberKept = "member-kept" of "member";
    PasswordChanged = "password-changed" of "member";
    OneTimePasswordIssued = "one-time-password-issued" of "member";
    DevicesLoggedOut = "devices-logged-out" of "member";
    TokenTheftReported = "token-theft-reported" of "member";
    TotpEnabled = "totp-enabled" of "member";
    TotpDisabled = "totp-disabled" of "member";
    TotpDemanded = "totp-demanded" of "member";
    TotpOptional = "totp-optional" of "member";
    RecoveryCodeUsed = "recovery-code-used" of "member";
    AccessInspected = "access-inspected" of "shop";
    BreachRecorded = "breach-recorded" of "shop";
    PersonRequestRecorded = "person-request-recorded" of "shop";
    ShopSaved = "shop-saved" of "shop";
    SettingsSaved = "settings-saved" of "shop";
    ProductAdded = "product-added" of "product";
    ProductsEdited = "products-edited" of "product";
    VariantAdded = "variant-added" of "product";
    VariantsLabelled = "variants-labelled" of "product";
    OrdersAdvanced = "orders-advanced" of "order";
    OrdersEdited = "orders-edited" of "order";
    OrdersBulkSet = "orders-bulk-set" of "order";
    OrderEdited = "order-edited" of "order";
    ManualOrdersCreated = "manual-orders-created" of "order";
    OrderUnbundled = "order-unbundled" of "order";
    OrdersMerged = "orders-merged" of "order";
    OrdersRejoined = "orders-rejoined" of "order";
    OrdersClassified = "orders-classified" of "order";
    ZipCorrectionUndone = "zip-correction-undone" of "district";
    OrderCorrectionUndone = "order-correction-undone" of "order";
    DistrictListApplied = "district-list-applied" of "district-list";
    DistrictListDiscarded = "district-list-discarded" of "district-list";
    DistrictListWithdrawn = "district-list-withdrawn" of "district-list";
    UploadsReceived = "uploads-received" of "upload";
    UploadDiscarded = "upload-discarded" of "upload";
    UploadUndone = "upload-undone" of "upload";
    ConflictsResolved = "conflicts-resolved" of "upload";
    ChannelChangesDecided = "channel-changes-decided" of "upload";
    ProfileTaught = "profile-taught" of "profile";
    ProfileSaved = "profile-saved" of "profile";
    ProfileRemoved = "profile-removed" of "profile";
    ProfileRestored = "profile-restored" of "profile";
    RejectedRowsResolved = "rejected-rows-resolved" of "upload";
    BulkActionUndone = "bulk-action-undone" of "order";
    DeliveriesCompleted = "deliveries-completed" of "delivery";
    CompletionsUndone = "completions-undone" of "delivery";
    SlipsPrinted = "slips-printed" of "delivery";
    DeliveryMemoChanged = "delivery-memo-changed" of "delivery";
    SnapshotRequested = "snapshot-requested" of "backup";
    TrialRestoreRequested = "trial-restore-requested" of "backup";
    BackupTargetTakenOver = "backup-target-taken-over" of "backup";
    BackupKeyCreated = "backup-key-created" of "backup";
    BackupKeyShown = "backup-key-shown" of "backup";
    DatabaseDownloaded = "database-downloaded" of "shop";
    PracticeStarted = "practice-started" of "member";
    DemoShopCreated = "demo-shop-created" of "shop";
    TruckSaved = "truck-saved" of "truck";
    DistrictWeekdaysSaved = "district-weekdays-saved" of "truck";
    SpecialDaySaved = "special-day-saved" of "truck";
    SpecialDayDeleted = "special-day-deleted" of "truck";
    HandlingSaved = "handling-saved" of "product";
    TruckSettingsSaved = "truck-settings-saved" of "truck";
    PointCorrected = "point-corrected" of "district";
    RoadFactorSaved = "road-factor-saved" of "truck";
    StopsAssigned = "stops-assigned" of "tour";
    StopsMoved = "stops-moved" of "tour";
    StopsHeld = "stops-held" of "tour";
    StopChangesAcknowledged = "stop-changes-acknowledged" of "tour";
    ToursFixed = "tours-fixed" of "tour";
    ToursReopened = "tours-reopened" of "tour";
    JobSaved = "job-saved" of "delivery";
    JobCreated = "job-created" of "delivery";
    JobCancelled = "job-cancelled" of "delivery";
    JobReopened = "job-reopened" of "delivery";
    DeliveryPromised = "delivery-promised" of "delivery";
    SiteSaved = "site-saved" of "delivery";
    SiteRatesSaved = "site-rates-saved" of "truck";
    MinutesLearnt = "minutes-learnt" of "product";
    NoticesExported = "notices-exported" of "delivery";
    NoticesWithdrawn = "notices-withdrawn" of "delivery";
    NoticeWordingSaved = "notice-wording-saved" of "shop";
    DelayNoticeRecorded = "delay-notice-recorded" of "order";
    WithdrawalConsentRecorded = "withdrawal-consent-recorded" of "order";
    TourHandedOut = "tour-handed-out" of "tour";
    TourLeft = "tour-left" of "tour";
    TourTakenBack = "tour-taken-back" of "tour";
    TourClosed = "tour-closed" of "tour";
    StopsReported = "stops-reported" of "tour";
    FindingResolved = "finding-resolved" of "tour";
    PhoneCutOff = "phone-cut-off" of "tour";
}

impl Verb {
    /// Grants and withdrawals of rights.
    pub const GRANTS: [Self; 5] =
        [Self::MemberAdded, Self::RoleChanged, Self::MemberEnabled, Self::MemberDisabled, Self::MemberKept];
}
