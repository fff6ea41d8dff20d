"""Stripe events as they came, payments, and each workspace's customer at Stripe."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import xroute.lib.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_key_changes'),
        ('billing', '0007_lock_order'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='StripeCustomer',
            fields=[
                ('workspace', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, serialize=False, to='accounts.workspace')),
                ('customer_id', models.CharField(max_length=255, null=True, unique=True)),
                ('idempotency_key', models.UUIDField(unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='StripeEvent',
            fields=[
                ('id', models.CharField(max_length=255, primary_key=True, serialize=False)),
                ('type', models.CharField(max_length=100)),
                ('livemode', models.BooleanField()),
                ('payload', models.JSONField()),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('done', 'Done'), ('ignored', 'Ignored'), ('parked', 'Parked')], db_default='waiting', default='waiting', max_length=10)),
                ('attempts', models.IntegerField(db_default=0, default=0)),
                ('error', models.TextField(db_default='', default='')),
                ('received_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('processed_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status', 'waiting')), fields=['due_at'], name='stripe_event_waiting')],
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', ['waiting', 'done', 'ignored', 'parked'])), name='stripe_event_status_known'), models.CheckConstraint(condition=models.Q(models.Q(('processed_at__isnull', True), ('status', 'waiting')), models.Q(models.Q(('status', 'waiting'), _negated=True), ('processed_at__isnull', False)), _connector='OR'), name='stripe_event_waits_or_is_processed')],
            },
        ),
        migrations.CreateModel(
            name='Payment',
            fields=[
                ('id', models.UUIDField(default=xroute.lib.ids.new_id, primary_key=True, serialize=False)),
                ('amount_cents', models.BigIntegerField()),
                ('amount_nanousd', models.BigIntegerField()),
                ('status', models.CharField(choices=[('open', 'Open'), ('processing', 'Processing'), ('expired', 'Expired'), ('failed', 'Failed'), ('parked', 'Parked'), ('paid', 'Paid')], db_default='open', default='open', max_length=10)),
                ('session_id', models.CharField(max_length=255, null=True, unique=True)),
                ('payment_intent_id', models.CharField(max_length=255, null=True, unique=True)),
                ('url', models.TextField(db_default='', default='')),
                ('error', models.TextField(db_default='', default='')),
                ('credited_nanousd', models.BigIntegerField(null=True)),
                ('idempotency_key', models.UUIDField(unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('checked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('paid_at', models.DateTimeField(null=True)),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='accounts.workspace')),
            ],
            options={
                'indexes': [models.Index(fields=['workspace', '-created_at'], name='payment_of_workspace'), models.Index(condition=models.Q(('status__in', ['open', 'processing'])), fields=['checked_at'], name='payment_unsettled')],
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', ['open', 'processing', 'expired', 'failed', 'parked', 'paid'])), name='payment_status_known'), models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0), ('amount_nanousd', django.db.models.expressions.CombinedExpression(models.F('amount_cents'), '*', models.Value(10000000)))), name='payment_amount_positive'), models.CheckConstraint(condition=models.Q(models.Q(('credited_nanousd__gt', 0), ('credited_nanousd__isnull', False), ('paid_at__isnull', False), ('payment_intent_id__isnull', False), ('status', 'paid')), models.Q(models.Q(('status', 'paid'), _negated=True), ('credited_nanousd__isnull', True), ('paid_at__isnull', True)), _connector='OR'), name='payment_paid_is_credited')],
            },
        ),
    ]
