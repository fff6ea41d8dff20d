"""Every setting of the installation, read once from the environment (see the table in README.md)."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from xroute.lib import env, mail_url, stripe_keys
from xroute.lib.database import django_database

BASE_DIR = Path(__file__).resolve().parent.parent
try:
    env.load_dotenv(env.dotenv(BASE_DIR / ".env"))
    XROUTE_MODE = env.choice("XROUTE_MODE", "production", ("production", "demo", "test"))
    XROUTE_DATA_DIR = Path(env.text("XROUTE_DATA_DIR", str(BASE_DIR / "var")))
    XROUTE_SPOOL_DIR = Path(env.text("XROUTE_SPOOL_DIR", str(XROUTE_DATA_DIR / "spool")))

    SECRET_KEY = env.secret("SECRET_KEY")
    XROUTE_ENCRYPTION_KEYS = env.fernet_keys("XROUTE_ENCRYPTION_KEYS")
    _stripe = stripe_keys.read(XROUTE_MODE)
    DATABASE_URL = env.text("DATABASE_URL")
    DATABASE_DIRECT_URL = env.text("DATABASE_DIRECT_URL", DATABASE_URL)
    MIGRATION_DATABASE_URL = env.text("MIGRATION_DATABASE_URL", DATABASE_URL)
    REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
    CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", REDIS_URL.replace("unix://", "redis+socket://"))
    WEB_CONCURRENCY = env.integer("WEB_CONCURRENCY", 1, low=1, high=256)
    PORT = env.integer("PORT", 8000, low=0, high=65535)
    PUBLIC_URL = env.text("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
    _local = "localhost,127.0.0.1,[::1]"
    ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", _local if XROUTE_MODE != "production" else "")
    if not ALLOWED_HOSTS:
        raise env.BadSetting("ALLOWED_HOSTS is not set. List the host names that clients use, such as api.acme.org.")

    # The API plane: sizes in bytes, times in seconds.
    XROUTE_BODY_BYTES_MAX = env.integer("XROUTE_BODY_BYTES_MAX", 20 * 2**20, low=1024)
    XROUTE_BODIES_BYTES_MAX = env.integer("XROUTE_BODIES_BYTES_MAX", 256 * 2**20, low=1024)
    XROUTE_BODY_TIMEOUT_S = env.number("XROUTE_BODY_TIMEOUT_S", 30)
    XROUTE_INFLIGHT_MAX = env.integer("XROUTE_INFLIGHT_MAX", 2000, low=1)
    XROUTE_DRAIN_S = env.integer("XROUTE_DRAIN_S", 120)
    XROUTE_STREAM_QUEUE_BYTES_MAX = env.integer("XROUTE_STREAM_QUEUE_BYTES_MAX", 256 * 1024, low=4096)
    XROUTE_STREAM_STALL_S = env.number("XROUTE_STREAM_STALL_S", 60)
    XROUTE_KEEPALIVE_S = env.number("XROUTE_KEEPALIVE_S", 15, low=0.05)
    XROUTE_DRAINS_MAX = env.integer("XROUTE_DRAINS_MAX", 100)
    XROUTE_DRAINS_PER_WORKSPACE_MAX = env.integer("XROUTE_DRAINS_PER_WORKSPACE_MAX", 5)
    XROUTE_DRAIN_STREAM_S = env.number("XROUTE_DRAIN_STREAM_S", 60)
    XROUTE_DRAIN_BYTES_MAX = env.integer("XROUTE_DRAIN_BYTES_MAX", 4 * 2**20)
    XROUTE_TRAILING_USAGE_S = env.number("XROUTE_TRAILING_USAGE_S", 5)

    # Upstream: times in seconds.
    XROUTE_CONNECT_TIMEOUT_S = env.number("XROUTE_CONNECT_TIMEOUT_S", 5)
    XROUTE_CHUNK_TIMEOUT_S = env.number("XROUTE_CHUNK_TIMEOUT_S", 60)
    XROUTE_REASONING_CHUNK_TIMEOUT_S = env.number("XROUTE_REASONING_CHUNK_TIMEOUT_S", 300)
    XROUTE_TOTAL_TIMEOUT_S = env.number("XROUTE_TOTAL_TIMEOUT_S", 600)
    XROUTE_RESPONSE_BYTES_MAX = env.integer("XROUTE_RESPONSE_BYTES_MAX", 64 * 2**20)
    XROUTE_ATTEMPTS_MAX = env.integer("XROUTE_ATTEMPTS_MAX", 3, low=1)
    XROUTE_DEFAULT_SORT = env.choice("XROUTE_DEFAULT_SORT", "", ("", "price", "throughput", "latency"))
    XROUTE_BREAKER_OUT_S = env.number("XROUTE_BREAKER_OUT_S", 30, low=0.1)

    # Money: leases, holds, the meter and its spool.
    XROUTE_LEASE_TTL_S = env.number("XROUTE_LEASE_TTL_S", 60, low=1)
    XROUTE_LEASE_MARGIN_S = env.number("XROUTE_LEASE_MARGIN_S", XROUTE_LEASE_TTL_S / 4)
    XROUTE_HEARTBEAT_S = env.number("XROUTE_HEARTBEAT_S", XROUTE_LEASE_TTL_S / 12)
    XROUTE_HOLD_IDLE_S = env.number("XROUTE_HOLD_IDLE_S", 10)
    XROUTE_COMMIT_TIMEOUT_S = env.number("XROUTE_COMMIT_TIMEOUT_S", 2)
    XROUTE_METER_BATCH_MAX = env.integer("XROUTE_METER_BATCH_MAX", 200, low=1)
    XROUTE_OUTAGE_GRACE_S = env.number("XROUTE_OUTAGE_GRACE_S", 30)
    XROUTE_OVERAGE_LIMIT_NANOUSD = env.integer("XROUTE_OVERAGE_LIMIT_NANOUSD", 1_000_000_000)
    XROUTE_KEY_CACHE_S = env.number("XROUTE_KEY_CACHE_S", 600)
    XROUTE_KEY_CACHE_MAX = env.integer("XROUTE_KEY_CACHE_MAX", 100_000)
    XROUTE_KEY_POLL_S = env.number("XROUTE_KEY_POLL_S", 2)
    # For keys without limits of their own; 0: none.
    XROUTE_KEY_REQUESTS_PER_MINUTE = env.integer("XROUTE_KEY_REQUESTS_PER_MINUTE", 0)
    XROUTE_KEY_TOKENS_PER_MINUTE = env.integer("XROUTE_KEY_TOKENS_PER_MINUTE", 0)
    XROUTE_POOL_MAX = env.integer("XROUTE_POOL_MAX", 8, low=3)

    XROUTE_AUDIT_HOUR = env.integer("XROUTE_AUDIT_HOUR", 3, high=23)
    XROUTE_AUDIT_RUN_DAYS = env.integer("XROUTE_AUDIT_RUN_DAYS", 90, low=1)

    # The browser plane. XROUTE_STATIC_DIR is where `manage.py collectstatic` puts what browsers load.
    XROUTE_STATIC_DIR = Path(env.text("XROUTE_STATIC_DIR", str(XROUTE_DATA_DIR / "static")))
    XROUTE_PAGES_MAX = env.integer("XROUTE_PAGES_MAX", 16, low=1)
    XROUTE_PAGES_WAITING_MAX = env.integer("XROUTE_PAGES_WAITING_MAX", 200, low=1)
    XROUTE_PAGE_WAIT_S = env.number("XROUTE_PAGE_WAIT_S", 10, low=0.1)
    XROUTE_PAGE_BODY_S = env.number("XROUTE_PAGE_BODY_S", 30, low=1)
    XROUTE_PAGE_BYTES_MAX = env.integer("XROUTE_PAGE_BYTES_MAX", 2 * 2**20, low=64 * 1024)
    XROUTE_FORM_BYTES_MAX = env.integer("XROUTE_FORM_BYTES_MAX", 512 * 1024, low=1024)
    # What the environment fixes of the installation; the rest is chosen in the browser (accounts/installation.py).
    XROUTE_INSTALLATION = {
        "site_name": env.text("XROUTE_SITE_NAME", ""),
        "public_url": env.text("PUBLIC_URL", "").rstrip("/"),
        "signup": env.signup("XROUTE_SIGNUP"),
        "from_email": env.text("DEFAULT_FROM_EMAIL", ""),
        "support_email": env.text("XROUTE_SUPPORT_EMAIL", ""),
        "logo_url": env.same_origin("XROUTE_LOGO_URL"),
        "accent": env.colour("XROUTE_ACCENT"),
        "terms_url": env.text("XROUTE_TERMS_URL", ""),
        "privacy_url": env.text("XROUTE_PRIVACY_URL", ""),
    }
    # Mails wait in an outbox (accounts/mail); EMAIL_URL says where they are handed over.
    XROUTE_MAIL_SERVER = mail_url.parse(env.text("EMAIL_URL", "" if XROUTE_MODE == "production" else "mailbox:"))
    SIGNUP_CREDIT_NANOUSD = env.usd("SIGNUP_CREDIT_USD", "0")
    XROUTE_SESSION_DAYS = env.integer("XROUTE_SESSION_DAYS", 14, low=1, high=365)

    XROUTE_HSTS_S = env.integer("XROUTE_HSTS_S", 30 * 86400)
    XROUTE_LOG_LEVEL = env.choice("XROUTE_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))

    # Payments: off without a secret key. Times in seconds, sizes in bytes, amounts in cents.
    STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET = _stripe.secret_key, _stripe.webhook_secret
    STRIPE_API_BASE, STRIPE_CHECKOUT_ORIGIN = _stripe.api_base, _stripe.checkout_origin
    STRIPE_LIVEMODE = _stripe.livemode
    STRIPE_TIMEOUT_S = env.number("STRIPE_TIMEOUT_S", 10, low=0.1)
    STRIPE_RETRIES_MAX = env.integer("STRIPE_RETRIES_MAX", 2, high=5)
    STRIPE_WEBHOOK_TOLERANCE_S = env.integer("STRIPE_WEBHOOK_TOLERANCE_S", 300, low=1)
    STRIPE_WEBHOOK_BYTES_MAX = env.integer("STRIPE_WEBHOOK_BYTES_MAX", 2**20, low=1024)
    STRIPE_EVENT_ATTEMPTS_MAX = env.integer("STRIPE_EVENT_ATTEMPTS_MAX", 40, low=1)
    XROUTE_STRIPE_SWEEP_DAYS = env.integer("XROUTE_STRIPE_SWEEP_DAYS", 30, low=1, high=30)
    XROUTE_STRIPE_EVENT_DAYS = env.integer("XROUTE_STRIPE_EVENT_DAYS", 90, low=1)
    STRIPE_RECHECK_S = env.number("STRIPE_RECHECK_S", 60)
    STRIPE_REFRESH_S = env.number("STRIPE_REFRESH_S", 2)
    STRIPE_CHECKOUTS_PERIOD, STRIPE_CHECKOUTS_MAX = timedelta(hours=1), env.integer("STRIPE_CHECKOUTS_MAX", 30, low=1)
    TOP_UP_CENTS_MIN, TOP_UP_CENTS_MAX = 5_00, 10_000_00
    # Credit that is bought from now on ends so many days after; 0: never. Gifts end by their own code's days.
    XROUTE_CREDIT_DAYS = env.integer("XROUTE_CREDIT_DAYS", 0, high=36_500)
    # Who sells, on receipts and statements; lines of the address are parted by semicolons.
    XROUTE_SELLER_ADDRESS = env.text("XROUTE_SELLER_ADDRESS", "")
    XROUTE_SELLER_TAX_ID = env.text("XROUTE_SELLER_TAX_ID", "")
    # Has what DejaVu lacks (Chinese, Japanese, Korean, Thai …), for receipts and statements as PDF.
    XROUTE_PDF_FONT = env.font("XROUTE_PDF_FONT")
    # Added to every top-up, never credited. Tax is Stripe's to reckon, where it is switched on.
    XROUTE_TOP_UP_FEE_PERCENT = env.percent("XROUTE_TOP_UP_FEE_PERCENT", "0")
    XROUTE_TOP_UP_FEE_MIN_CENTS = env.cents("XROUTE_TOP_UP_FEE_MIN_USD", "0")
    XROUTE_STRIPE_TAX = env.flag("XROUTE_STRIPE_TAX")
    XROUTE_STRIPE_TAX_CODE = env.tax_code("XROUTE_STRIPE_TAX_CODE")

    XROUTE_SANDBOX_URL = env.text("XROUTE_SANDBOX_URL", "")
    XROUTE_TRUSTED_PROXIES = env.words("XROUTE_TRUSTED_PROXIES", "")
    if "*" in XROUTE_TRUSTED_PROXIES:
        # Then anyone could name the address that a key's allowed_cidrs are compared with.
        raise env.BadSetting("XROUTE_TRUSTED_PROXIES is '*'. Name the addresses of your proxies instead.")
    DATABASES: dict[str, dict[str, Any]] = {
        "default": django_database(DATABASE_URL),
        "owner": django_database(MIGRATION_DATABASE_URL),
    }
    # What was read by now is a setting; XROUTE_API_KEY is what the README calls a caller's key.
    env.refuse_unknown("XROUTE_", also=("XROUTE_API_KEY",))
except env.BadSetting as error:
    raise ImproperlyConfigured(str(error)) from error

DEBUG = False
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "xroute.urls"
ASGI_APPLICATION = "xroute.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
INSTALLED_APPS = [
    "accounts.admin_config.OperatorAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "rest_framework",
    "routing",
    "billing",
    "accounts",
    "xroute",
]
MIDDLEWARE = [
    "csp.middleware.CSPMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "xroute.static.StaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "accounts.middleware.TimeZoneMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.site",
                "billing.context.banner",
                "routing.context.outage",
            ]
        },
    }
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
# allauth: who a person is. Its pages are mounted by accounts/urls.py, with our templates.
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {"signup": "accounts.forms.SignupForm", "reset_password": "accounts.forms.ResetForm"}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = PUBLIC_URL.partition(":")[0]
# accounts/adapter.py: the key of login_failed is the person's address and the caller's; one caller cannot fail 60 times
# an hour for one person, so that nobody alone reaches the limit for a person wherever the tries come from.
ACCOUNT_RATE_LIMITS = {
    "confirm_email": "1/m/key",
    "login_failed": "10/m/ip,5/5m/key",
    "login_failed_anywhere": "100/h/key",
}
MFA_ADAPTER = "accounts.adapter_mfa.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# Browsers allow passkeys without TLS on localhost only; there is no other origin then that could be meant.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = PUBLIC_URL.startswith("http://")
EMAIL_BACKEND = "accounts.mail.backend.OutboxBackend"
DEFAULT_FROM_EMAIL = XROUTE_INSTALLATION["from_email"] or "XRoute <xroute@localhost>"
SERVER_EMAIL = DEFAULT_FROM_EMAIL
CACHES = {"default": {"BACKEND": "xroute.cache.StandingCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "xr"}}
STATIC_URL = "/static/"
STATIC_ROOT = XROUTE_STATIC_DIR
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 3600
DATA_UPLOAD_MAX_MEMORY_SIZE = XROUTE_FORM_BYTES_MAX
FILE_UPLOAD_MAX_MEMORY_SIZE = XROUTE_FORM_BYTES_MAX
LOGIN_URL, LOGIN_REDIRECT_URL = "account_login", "/overview"
CSRF_FAILURE_VIEW = "xroute.pages.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
SESSION_COOKIE_AGE = XROUTE_SESSION_DAYS * 86400
_secure = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _secure
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]  # also behind a proxy that ends TLS and is not named as trusted
SECURE_HSTS_SECONDS = XROUTE_HSTS_S if _secure else 0
# `check --deploy`, answered: plain HTTP is redirected by the proxy that ends TLS (W008; probes come without TLS), and
# whether other names of the domain are served by TLS only is not ours to promise (W005, W021).
SILENCED_SYSTEM_CHECKS = ["security.W008", "security.W005", "security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
# One policy for every path, without exemptions. What is loaded, is loaded from here.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'", *([STRIPE_CHECKOUT_ORIGIN] if STRIPE_CHECKOUT_ORIGIN else [])],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
REST_FRAMEWORK: dict[str, Any] = {"UNAUTHENTICATED_USER": None, "DEFAULT_AUTHENTICATION_CLASSES": []}

CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_TASK_TIME_LIMIT = 600
CELERY_WORKER_HIJACK_ROOT_LOGGER = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "xroute": {"level": XROUTE_LOG_LEVEL},
        "django.request": {"level": "CRITICAL"},
    },
}
